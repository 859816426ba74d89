//! The control API under `/_sim`: what [`Simulation`]'s methods do, for other processes and curl.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::log::RequestFilter;
use super::options::{DEFAULT_ORG, DuplicateRule};
use super::schema::FieldSpec;
use super::simulation::Simulation;

type Sim = State<Arc<Simulation>>;

pub(super) fn router(simulation: Arc<Simulation>) -> Router {
    Router::new()
        .route("/_sim", get(overview).patch(patch))
        .route("/_sim/faults", get(faults).post(inject).delete(clear_faults))
        .route("/_sim/requests", get(requests).delete(clear_requests))
        .route("/_sim/leads", get(leads).post(edit))
        .route("/_sim/leads/{id}", delete(delete_lead))
        .route("/_sim/leads/{id}/convert", post(convert))
        .route("/_sim/fields", post(define_field))
        .route("/_sim/sessions", delete(end_sessions))
        .route("/_sim/apps/{client_id}", delete(revoke_app))
        .route("/_sim/analysis", get(analysis))
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(simulation)
}

/// A refusal is 400 with its reason.
struct Failure(anyhow::Error);

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({"error": format!("{:#}", self.0)});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

type Answer<T> = Result<Json<T>, Failure>;

async fn overview(State(sim): Sim) -> impl IntoResponse {
    Json(json!({"vendor": "salesforce", "org": DEFAULT_ORG, "used": sim.used(), "leads": sim.leads().len()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    used: Option<u64>,
    duplicate_rule: Option<DuplicateRule>,
}

async fn patch(State(sim): Sim, Json(patch): Json<Patch>) -> StatusCode {
    if let Some(used) = patch.used {
        sim.set_used(used);
    }
    if let Some(rule) = patch.duplicate_rule {
        sim.set_duplicate_rule(rule);
    }
    StatusCode::NO_CONTENT
}

async fn faults(State(sim): Sim) -> impl IntoResponse {
    let of = |(id, hits, fault)| json!({"id": id, "hits": hits, "fault": fault});
    Json(sim.faults().into_iter().map(of).collect::<Vec<_>>())
}

async fn inject(State(sim): Sim, Json(fault): Json<Fault>) -> impl IntoResponse {
    Json(json!({"id": sim.inject(fault)}))
}

async fn clear_faults(State(sim): Sim) -> StatusCode {
    sim.clear_faults();
    StatusCode::NO_CONTENT
}

async fn requests(State(sim): Sim, Query(filter): Query<RequestFilter>) -> impl IntoResponse {
    Json(sim.requests(&filter))
}

async fn clear_requests(State(sim): Sim) -> StatusCode {
    sim.clear_requests();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct LeadQuery {
    /// With `value`: the one live lead that has it.
    field: Option<String>,
    value: Option<String>,
}

async fn leads(State(sim): Sim, Query(query): Query<LeadQuery>) -> impl IntoResponse {
    Json(match (query.field, query.value) {
        (Some(field), Some(value)) => sim.find_lead_by(&field, &value).into_iter().collect(),
        _ => sim.leads(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    id: Option<String>,
    values: Map<String, Value>,
}

async fn edit(State(sim): Sim, Json(edit): Json<Edit>) -> Answer<impl Serialize> {
    let id = sim.edit_lead(edit.id.as_deref(), &edit.values)?;
    Ok(Json(json!({"id": id})))
}

async fn delete_lead(State(sim): Sim, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    sim.delete_lead(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn convert(State(sim): Sim, Path(id): Path<String>) -> Answer<impl Serialize> {
    Ok(Json(sim.convert_lead(&id)?))
}

async fn define_field(State(sim): Sim, Json(field): Json<FieldSpec>) -> StatusCode {
    sim.define_field(field);
    StatusCode::CREATED
}

async fn end_sessions(State(sim): Sim) -> StatusCode {
    sim.end_sessions();
    StatusCode::NO_CONTENT
}

async fn revoke_app(State(sim): Sim, Path(client_id): Path<String>) -> StatusCode {
    sim.revoke_app(&client_id);
    StatusCode::NO_CONTENT
}

async fn analysis(State(sim): Sim) -> impl IntoResponse {
    Json(json!({"duplicates": sim.duplicates(), "steps_back": sim.steps_back()}))
}

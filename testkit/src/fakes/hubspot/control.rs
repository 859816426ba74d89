//! The control API under `/_sim`: what [`Simulation`]'s methods do, for other processes and curl.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;

use super::control_input::{AnalysisQuery, ContactQuery, Edit, Merge, Property, PropertyQuery};
use super::fault::Fault;
use super::log::RequestFilter;
use super::options::{PortalOptions, TokenOptions};
use super::portal_view::PortalPatch;
use super::simulation::Simulation;

type Sim = State<Arc<Simulation>>;

pub(super) fn router(simulation: Arc<Simulation>) -> Router {
    Router::new()
        .route("/_sim", get(overview))
        .route("/_sim/reset", post(reset))
        .route("/_sim/portals", get(portals).post(add_portal))
        .route("/_sim/portals/{portal}", patch(patch_portal))
        .route("/_sim/portals/{portal}/tokens", post(add_token))
        .route("/_sim/portals/{portal}/properties", post(define_property))
        .route("/_sim/tokens/{token}", delete(revoke_token))
        .route("/_sim/faults", get(faults).post(inject).delete(clear_faults))
        .route("/_sim/faults/{id}", delete(clear_fault))
        .route("/_sim/requests", get(requests).delete(clear_requests))
        .route("/_sim/contacts", get(contacts).post(edit_contact))
        .route("/_sim/contacts/{id}", delete(delete_contact))
        .route("/_sim/contacts/{id}/history", get(history))
        .route("/_sim/merge", post(merge))
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
        (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": format!("{:#}", self.0)})),
        )
            .into_response()
    }
}

type Answer<T> = Result<Json<T>, Failure>;

impl Simulation {
    /// The portal that was named, or the only (first) one.
    fn portal_or_first(&self, portal: Option<u64>) -> anyhow::Result<u64> {
        let first = || self.portals().first().map(|portal| portal.portal_id);
        portal
            .or_else(first)
            .ok_or_else(|| anyhow::anyhow!("there is no portal"))
    }
}

async fn overview(State(sim): Sim) -> impl IntoResponse {
    let faults = sim.faults().into_iter().filter(|fault| fault.active).count();
    Json(
        json!({"vendor": "hubspot", "now_ms": sim.clock.now_ms(), "requests": sim.request_count(),
        "active_faults": faults, "portals": sim.portals()}),
    )
}

async fn reset(State(sim): Sim) -> StatusCode {
    sim.reset();
    StatusCode::NO_CONTENT
}

async fn portals(State(sim): Sim) -> impl IntoResponse {
    Json(sim.portals())
}

async fn add_portal(State(sim): Sim, Json(options): Json<PortalOptions>) -> Result<StatusCode, Failure> {
    sim.add_portal(options)?;
    Ok(StatusCode::CREATED)
}

async fn patch_portal(
    State(sim): Sim,
    Path(portal): Path<u64>,
    Json(patch): Json<PortalPatch>,
) -> Result<StatusCode, Failure> {
    sim.patch_portal(portal, &patch)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn add_token(
    State(sim): Sim,
    Path(portal): Path<u64>,
    Json(token): Json<TokenOptions>,
) -> Result<StatusCode, Failure> {
    sim.add_token(portal, token)?;
    Ok(StatusCode::CREATED)
}

async fn define_property(
    State(sim): Sim,
    Path(portal): Path<u64>,
    Json(property): Json<Property>,
) -> Result<StatusCode, Failure> {
    sim.define_property(portal, &property.name, &property.kind, property.unique)?;
    Ok(StatusCode::CREATED)
}

async fn revoke_token(State(sim): Sim, Path(token): Path<String>) -> StatusCode {
    found(sim.revoke_token(&token))
}

async fn faults(State(sim): Sim) -> impl IntoResponse {
    Json(sim.faults())
}

async fn inject(State(sim): Sim, Json(fault): Json<Fault>) -> Answer<impl Serialize> {
    let id = sim.inject(fault)?;
    Ok(Json(json!({"id": id})))
}

async fn clear_faults(State(sim): Sim) -> StatusCode {
    sim.clear_faults();
    StatusCode::NO_CONTENT
}

async fn clear_fault(State(sim): Sim, Path(id): Path<u64>) -> StatusCode {
    found(sim.clear_fault(id))
}

async fn requests(State(sim): Sim, Query(filter): Query<RequestFilter>) -> impl IntoResponse {
    Json(sim.requests(&filter))
}

async fn clear_requests(State(sim): Sim) -> StatusCode {
    sim.clear_requests();
    StatusCode::NO_CONTENT
}

async fn contacts(State(sim): Sim, Query(query): Query<ContactQuery>) -> Answer<impl Serialize> {
    let portal = sim.portal_or_first(query.portal)?;
    let found = match (query.property, query.value) {
        (Some(property), Some(value)) => sim
            .find_contact_by(portal, &property, &value)
            .into_iter()
            .collect(),
        _ => sim.contacts(portal)?,
    };
    let page = found.into_iter().filter(|contact| contact.id > query.after);
    Ok(Json(page.take(query.limit.unwrap_or(1_000)).collect::<Vec<_>>()))
}

async fn edit_contact(State(sim): Sim, Json(edit): Json<Edit>) -> Answer<impl Serialize> {
    let values: Vec<(&str, &str)> = edit
        .properties
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let id = sim.edit_contact(sim.portal_or_first(edit.portal)?, edit.id, &values)?;
    Ok(Json(json!({"id": id})))
}

async fn delete_contact(
    State(sim): Sim,
    Path(id): Path<u64>,
    Query(query): Query<PropertyQuery>,
) -> Result<StatusCode, Failure> {
    sim.delete_contact(sim.portal_or_first(query.portal)?, id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn history(
    State(sim): Sim,
    Path(id): Path<u64>,
    Query(query): Query<PropertyQuery>,
) -> Answer<impl Serialize> {
    let portal = sim.portal_or_first(query.portal)?;
    Ok(Json(sim.history(portal, id, query.property.as_deref())?))
}

async fn merge(State(sim): Sim, Json(merge): Json<Merge>) -> Answer<impl Serialize> {
    let id = sim.merge_contacts(sim.portal_or_first(merge.portal)?, merge.primary, merge.other)?;
    Ok(Json(json!({"id": id})))
}

async fn analysis(State(sim): Sim, Query(query): Query<AnalysisQuery>) -> Answer<impl Serialize> {
    let window = Duration::from_millis(query.window_ms.unwrap_or(10_000));
    let portal = sim.portal_or_first(query.portal)?;
    Ok(Json(sim.analysis(portal, window, query.revision.as_deref())?))
}

fn found(yes: bool) -> StatusCode {
    if yes {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

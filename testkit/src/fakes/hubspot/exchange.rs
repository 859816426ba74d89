//! One request between its arrival and its answer, and what its headers and path say.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::errors::Refusal;
use super::limits::Standing;
use super::portal::Call;
use super::reply::Reply;
use super::route::Route;
use super::simulation::Grant;

/// A request on its way.
#[derive(Debug)]
pub(super) struct Exchange {
    pub call: Call,
    pub grant: Option<Arc<Grant>>,
    pub standing: Option<Standing>,
    pub started: Instant,
    pub method: String,
    pub path: String,
    pub traceparent: Option<String>,
    /// Refused for its headers, once the credential is known to be good.
    pub unacceptable: Option<Refusal>,
}

impl Exchange {
    /// With the limits' headers, if the call was counted.
    pub fn response(&self, reply: Reply) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(content_type) = reply.content_type() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in self.standing.iter().flat_map(Standing::headers) {
            headers.insert(name, HeaderValue::from(value));
        }
        *response.body_mut() = Body::from(reply.bytes());
        response
    }
}

/// How many inputs a request that was not carried out had.
pub(super) fn inputs_of(call: &Call) -> usize {
    #[derive(serde::Deserialize)]
    struct Inputs {
        inputs: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Inputs>(&call.body).map_or(0, |body| body.inputs.len())
}

/// HubSpot reads the scheme strictly: `Bearer`, one space, the token; anything else is no credential.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let token = headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    (!token.is_empty() && !token.contains(char::is_whitespace)).then_some(token)
}

pub(super) fn unacceptable(headers: &HeaderMap, route: Route) -> Option<Refusal> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let accepts = |accept: &str| {
        ["*/*", "application/*", "application/json"]
            .iter()
            .any(|kind| accept.contains(kind))
    };
    if text(ACCEPT).is_some_and(|accept| !accepts(accept)) {
        return Some(Refusal::NotAcceptable);
    }
    let is_json = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    (route.has_body() && !is_json).then_some(Refusal::UnsupportedMediaType)
}

/// A path for the log: a record id may be somebody's address.
pub(super) fn masked(path: &str, route: Route) -> String {
    match (route, path.trim_end_matches('/').rsplit_once('/')) {
        (Route::Get | Route::Update | Route::Archive, Some((start, _))) => format!("{start}/{{id}}"),
        (Route::Unknown, _) => "{unknown}".to_owned(),
        _ => path.to_owned(),
    }
}

pub(super) fn bare(status: StatusCode) -> Option<Response> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Some(response)
}

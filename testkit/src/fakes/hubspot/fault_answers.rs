//! The wire form of scripted answers.

use std::convert::Infallible;
use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures::stream::{self, StreamExt};
use serde_json::json;

use super::errors::Refusal;
use super::fault::Answer;
use super::reply::Reply;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const CHUNK: usize = 64 << 10;

/// What goes back to the client.
#[derive(Debug)]
pub(super) enum Sent {
    Response(Box<Response>),
    Hang,
    Cut,
}

/// The status that the log notes; 0 without an answer.
pub(super) fn status_of(answer: &Answer, reply: Option<&Reply>) -> u16 {
    match answer {
        Answer::Status { status, .. } => *status,
        Answer::RateLimited { .. } => 429,
        Answer::Redirect(_) => 302,
        Answer::Hang | Answer::Cut => 0,
        Answer::Real
        | Answer::GarbageJson
        | Answer::Empty
        | Answer::WrongContentType
        | Answer::HugeBody(_)
        | Answer::EndlessBody
        | Answer::StalledBody => reply.map_or(200, |reply| reply.status),
    }
}

impl Answer {
    /// `reply` is what the handler answered, if it ran.
    pub(super) fn send(self, reply: Option<Reply>, correlation: &str) -> Sent {
        let status = status_of(&self, reply.as_ref());
        let real = || {
            reply
                .map(Reply::bytes)
                .unwrap_or_else(|| b"{\"status\":\"COMPLETE\",\"results\":[]}".to_vec())
        };
        let mut response = match self {
            Self::Hang => return Sent::Hang,
            Self::Cut => return Sent::Cut,
            Self::Real => answer(status, JSON, Body::from(real())),
            Self::Status {
                headers,
                body,
                content_type,
                ..
            } => {
                let (kind, documented) = documented(status, correlation);
                let kind = match (
                    &body,
                    content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()),
                ) {
                    (_, Some(kind)) => kind,
                    (Some(_), None) => JSON,
                    (None, None) => kind,
                };
                let mut response = answer(status, kind, Body::from(body.unwrap_or(documented)));
                for (name, value) in headers {
                    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
                    {
                        response.headers_mut().insert(name, value);
                    }
                }
                response
            }
            Self::RateLimited {
                policy,
                retry_after_s,
            } => {
                let mut response = answer(status, JSON, Body::from(policy.body(correlation).to_string()));
                if let Some(seconds) = retry_after_s {
                    response
                        .headers_mut()
                        .insert(RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
            Self::GarbageJson => answer(
                status,
                JSON,
                Body::from("{\"status\":\"COMPLETE\",\"results\":[{\"id\":\"1"),
            ),
            Self::Empty => answer(status, JSON, Body::empty()),
            Self::WrongContentType => answer(status, TEXT, Body::from(real())),
            Self::Redirect(location) => {
                let mut response = answer(status, HTML, Body::empty());
                if let Ok(location) = HeaderValue::try_from(location) {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
            Self::HugeBody(bytes) => answer(status, JSON, huge(bytes)),
            Self::EndlessBody => answer(status, JSON, Body::from_stream(stream::repeat(filler(CHUNK)))),
            Self::StalledBody => answer(status, JSON, stalled(real())),
        };
        response.headers_mut().insert(
            "x-hubspot-correlation-id",
            HeaderValue::try_from(correlation).unwrap_or(TEXT),
        );
        Sent::Response(Box::new(response))
    }
}

fn answer(status: u16, content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// What HubSpot's pages say of a status: JSON from its API layer, a page from the edge before it.
fn documented(status: u16, correlation: &str) -> (HeaderValue, String) {
    let say = |category: &str, message: &str| {
        json!({"status": "error", "message": message, "correlationId": correlation, "category": category})
            .to_string()
    };
    let refusal =
        |refusal: Refusal| String::from_utf8(refusal.into_reply(correlation).bytes()).unwrap_or_default();
    match status {
        401 => (JSON, refusal(Refusal::Unauthenticated)),
        403 => (
            JSON,
            refusal(Refusal::MissingScopes(&["crm.objects.contacts.write"])),
        ),
        423 => (
            JSON,
            say("LOCKED", "The resource is locked, wait at least 2 seconds."),
        ),
        429 => (
            JSON,
            refusal(Refusal::RateLimited(super::Policy::TenSecondlyRolling)),
        ),
        477 => (
            JSON,
            say(
                "MIGRATION_IN_PROGRESS",
                "This account is being migrated between data centres.",
            ),
        ),
        500 => (
            JSON,
            json!({"status": "error", "message": "internal error", "correlationId": correlation}).to_string(),
        ),
        502..=504 | 520..=526 => {
            let page = format!(
                "<html><head><title>{status}</title></head><body><h1>Error {status}</h1></body></html>"
            );
            (HTML, page)
        }
        _ => (JSON, say("UNKNOWN", "scripted by a test")),
    }
}

/// One JSON string of about so many bytes.
fn huge(bytes: u64) -> Body {
    let chunks = usize::try_from(bytes).unwrap_or(usize::MAX) / CHUNK;
    let start = stream::iter([Ok(Bytes::from_static(b"{\"status\":\"COMPLETE\",\"filler\":\""))]);
    let end = stream::iter([Ok(Bytes::from_static(b"\"}"))]);
    Body::from_stream(
        start
            .chain(stream::repeat(filler(CHUNK)).take(chunks.max(1)))
            .chain(end),
    )
}

fn filler(length: usize) -> Result<Bytes, Infallible> {
    Ok(Bytes::from(vec![b'x'; length]))
}

fn stalled(body: Vec<u8>) -> Body {
    let half = body.len() / 2;
    let first = body.into_iter().take(half).collect::<Vec<u8>>();
    let start = stream::iter([Ok::<Bytes, io::Error>(Bytes::from(first))]);
    Body::from_stream(start.chain(stream::pending()))
}

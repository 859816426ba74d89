//! Gives every request a span within the caller's trace, ids that answers repeat, and one line in the log.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use leads_runtime::process::telemetry;
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt, service_fn};
use tracing::{Instrument, Span, field::Empty};

use super::stack::Calls;

/// Where the trace comes from and goes on to, as W3C defines it.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The caller's name for the request, or ours.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trace that the logs know the request by.
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Characters that a caller's request id may have.
const MAX_REQUEST_ID: usize = 128;

/// Puts a span around each request. What follows reads the trace from the request's `traceparent`, which names the
/// new span; answers have `x-request-id` and `x-trace-id`.
pub fn traced(inner: Calls) -> Calls {
    Calls::new(service_fn(move |mut request: Request<Body>| {
        let inner = inner.clone();
        async move {
            let span = tracing::info_span!(
                "call",
                otel.name = Empty,
                otel.kind = "server",
                request.id = Empty,
                rpc.grpc.status_code = Empty,
                http.response.status_code = Empty,
            );
            if let Some(parent) = request
                .headers()
                .get(TRACEPARENT)
                .and_then(|parent| parent.to_str().ok())
            {
                telemetry::set_parent_from(&span, parent);
            }
            let place = telemetry::inject(&span).unwrap_or_else(stray);
            let trace_id = place
                .split('-')
                .nth(1)
                .and_then(|id| HeaderValue::from_str(id).ok());
            let request_id = request_id(request.headers()).or_else(|| trace_id.clone());
            if let Some(id) = &request_id {
                span.record("request.id", id.to_str().unwrap_or_default());
                request.headers_mut().insert(REQUEST_ID, id.clone());
            }
            if let Ok(place) = HeaderValue::from_str(&place) {
                request.headers_mut().insert(TRACEPARENT, place);
            }
            let start = Instant::now();
            let Ok(mut response) = inner.oneshot(request).instrument(span.clone()).await;
            span.in_scope(|| note(&span, &response, start));
            if let Some(id) = request_id {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            if let Some(id) = trace_id {
                response.headers_mut().insert(TRACE_ID, id);
            }
            Ok(response)
        }
    }))
}

/// A place in a trace of its own, for processes without a tracer, such as tests.
fn stray() -> String {
    format!(
        "00-{:032x}-{:016x}-00",
        rand::random::<u128>(),
        rand::random::<u64>()
    )
}

/// The caller's id, if it is safe to repeat and to log.
fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(REQUEST_ID)?;
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let bytes = value.as_bytes();
    (!bytes.is_empty() && bytes.len() <= MAX_REQUEST_ID && bytes.iter().all(safe)).then(|| value.clone())
}

/// One line for each call: faults of ours loud, refusals audible, success only when asked for.
fn note(span: &Span, response: &Response<Body>, start: Instant) {
    let http_status = response.status();
    let code = response
        .headers()
        .get(Status::GRPC_STATUS)
        .map(|code| Code::from_bytes(code.as_bytes()));
    span.record("http.response.status_code", http_status.as_u16());
    if let Some(code) = code {
        span.record("rpc.grpc.status_code", code as i32);
    }
    let elapsed_ms = start.elapsed().as_secs_f64() * 1e3;
    let status = http_status.as_u16();
    let is_fault = matches!(
        code,
        Some(Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable)
    );
    let is_refusal = code.is_some_and(|code| code != Code::Ok);
    let code = code.map(tracing::field::debug);
    if is_fault || http_status.is_server_error() {
        tracing::warn!(http.status = status, grpc.code = code, elapsed_ms, "call failed");
    } else if is_refusal || http_status.is_client_error() {
        tracing::info!(http.status = status, grpc.code = code, elapsed_ms, "call refused");
    } else {
        tracing::debug!(
            http.status = status,
            grpc.code = code,
            elapsed_ms,
            "call answered"
        );
    }
}

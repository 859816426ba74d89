//! Refusals as RFC 9457 problem documents, read from the status that a call ended with.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use leads_proto::reason::Reason;
use serde::Serialize;
use tonic::{Status, body::Body};
use tonic_types::StatusExt;

use super::answer;

/// Media type of the documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Headers of gRPC that mean nothing to a REST caller.
const GRPC_HEADERS: [&str; 5] = [
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "grpc-encoding",
    "grpc-accept-encoding",
];

/// A problem document.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    field_errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct FieldError {
    field: String,
    message: String,
}

impl Problem {
    /// Reads a status; `spell` turns a field's path in the message into what the caller sent.
    pub fn read(status: &Status, spell: impl Fn(&str) -> String, trace_id: Option<&str>) -> Self {
        let details = status.get_error_details();
        let reason = details
            .error_info()
            .and_then(|info| info.reason.parse().ok())
            .unwrap_or(Reason::Internal);
        let field_errors = details.bad_request().map_or_else(Vec::new, |bad| {
            bad.field_violations
                .iter()
                .map(|violation| FieldError {
                    field: spell(&violation.field),
                    message: violation.description.clone(),
                })
                .collect()
        });
        let metadata = details
            .error_info()
            .map(|info| info.metadata.clone().into_iter().collect());
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        Self {
            kind: format!("urn:leads:problem:{}", reason.name().to_ascii_lowercase()),
            title: first_sentence(reason.description()),
            status: reason.http_status().as_u16(),
            detail: status.message().to_owned(),
            reason: reason.name(),
            field_errors,
            metadata: metadata.unwrap_or_default(),
            retry_after_ms: delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            trace_id: trace_id.map(str::to_owned),
        }
    }

    /// The answer, with the headers that go with the status. `headers` are those of the call's answer.
    pub fn into_response(self, mut headers: HeaderMap) -> Response<Body> {
        for name in GRPC_HEADERS {
            headers.remove(name);
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(delay) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(delay.div_ceil(1000)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"leads\""),
            );
        }
        let body = serde_json::to_vec(&self).unwrap_or_default();
        answer::with(status, headers, body)
    }
}

/// The trace that the caller finds the request by: what the door wrote into `traceparent`.
pub fn trace_id(headers: &HeaderMap) -> Option<String> {
    let parent = headers
        .get(HeaderName::from_static("traceparent"))?
        .to_str()
        .ok()?;
    Some(parent.split('-').nth(1)?.to_owned())
}

fn first_sentence(text: &'static str) -> &'static str {
    text.split_once(['.', ';']).map_or(text, |(first, _)| first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_title() {
        for reason in Reason::ALL {
            let title = first_sentence(reason.description());
            assert!(title.len() > 5 && !title.ends_with('.'), "{reason}: {title}");
        }
    }
}

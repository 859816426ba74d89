//! Errors on the wire: every refusal is a status with a reason from the closed list, whoever made it.

use std::{borrow::Cow, collections::HashMap};

use http::HeaderMap;
use leads_proto::{ERROR_DOMAIN, reason::Reason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{domain::violation::Violation, service::error::Error};

/// Bytes that the violations of one status may have: details travel base64-coded in a header, and common clients
/// refuse more than 8 KiB of headers.
const MAX_VIOLATION_BYTES: usize = 4 * 1024;

/// Bytes that a status message may have before percent-encoding.
const MAX_TEXT_BYTES: usize = 1024;

/// How prost's refusals begin; tonic hands them on as its own INTERNAL.
const DECODE_FAILURE: &str = "failed to decode Protobuf message";

/// How tonic refuses a compression that a streaming method does not read.
const BAD_ENCODING: &str = "Content is compressed";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        log(&error);
        let mut details = ErrorDetails::new();
        let metadata: HashMap<String, String> = error
            .metadata
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        if let Some(kind) = metadata.get("resource") {
            details.set_resource_info(
                kind,
                metadata.get("id").map_or("", String::as_str),
                "",
                &*error.text,
            );
        }
        details.set_error_info(error.reason.name(), ERROR_DOMAIN, metadata);
        add_violations(&mut details, &error.fields);
        if let Some(delay) = error.retry_after {
            details.set_retry_info(Some(delay));
        }
        if matches!(error.reason, Reason::RateLimited | Reason::BacklogFull) {
            details.add_quota_failure_violation(error.reason.name(), &*error.text);
        }
        if error.reason.grpc_code() == Code::FailedPrecondition {
            let of_plan = error
                .metadata
                .iter()
                .find(|(key, _)| matches!(*key, "entitlement" | "limit"));
            let (kind, subject) = match of_plan {
                Some((_, subject)) => ("PLAN", subject.as_str()),
                None => {
                    let field = error.fields.first();
                    (
                        error.reason.name(),
                        field.map_or("", |violation| violation.field.as_str()),
                    )
                }
            };
            details.add_precondition_failure_violation(kind, subject, &*error.text);
        }
        Status::with_error_details(error.reason.grpc_code(), clip(error.text), details)
    }
}

/// A status with a reason and a text.
pub fn refuse(reason: Reason, text: impl Into<Cow<'static, str>>) -> Status {
    Error::new(reason, text).into()
}

/// Gives the status in `headers` (or trailers) an ErrorInfo if it has none, as the statuses that tonic makes itself:
/// their code, reason and text become ours, so that no internal name leaves the service. An OK status stays.
pub fn complete(headers: &mut HeaderMap) {
    if headers
        .get(Status::GRPC_STATUS)
        .is_none_or(|code| code.as_bytes() == b"0")
    {
        return;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    if status.get_details_error_info().is_some() {
        return;
    }
    let own = translate(&status);
    headers.remove(Status::GRPC_MESSAGE);
    if own.add_header(headers).is_err() {
        headers.insert(Status::GRPC_STATUS, http::HeaderValue::from(own.code() as i32));
    }
}

/// What a status without an ErrorInfo stands for.
fn translate(status: &Status) -> Status {
    match status.code() {
        Code::Unimplemented if status.message().starts_with(BAD_ENCODING) => refuse(
            Reason::UnknownMethod,
            "the message encoding is not one that this method reads",
        ),
        Code::Unimplemented => refuse(Reason::UnknownMethod, "there is no such method"),
        Code::Internal if status.message().starts_with(DECODE_FAILURE) => refuse(
            Reason::MalformedRequest,
            "the message is not a request of this method",
        ),
        Code::InvalidArgument => refuse(Reason::MalformedRequest, "the request cannot be read"),
        Code::OutOfRange | Code::ResourceExhausted => {
            refuse(Reason::MessageTooLarge, "the message is larger than 4 MiB")
        }
        Code::NotFound => refuse(Reason::NotFound, "there is no such resource"),
        Code::Cancelled => refuse(Reason::Cancelled, "the call was cancelled"),
        Code::DeadlineExceeded => refuse(Reason::DeadlineExceeded, "the deadline passed"),
        Code::Unauthenticated => refuse(Reason::Unauthenticated, "the credential is missing or not valid"),
        Code::Aborted => refuse(Reason::Conflict, "the call met another one; repeat it"),
        Code::Unavailable => refuse(
            Reason::ShuttingDown,
            "the service is not available; repeat the call",
        ),
        Code::Ok
        | Code::Internal
        | Code::Unknown
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::DataLoss => Error::internal(format!("{:?}: {}", status.code(), status.message())).into(),
    }
}

/// Logs what the caller does not read: the inside of failures that are ours.
pub(super) fn log(error: &Error) {
    let Some(source) = &error.source else { return };
    let mut causes = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        causes.push_str(": ");
        causes.push_str(&cause.to_string());
        next = cause.source();
    }
    if error.reason.http_status().is_server_error() {
        tracing::error!(reason = error.reason.name(), error = causes, "call failed");
    } else {
        tracing::debug!(reason = error.reason.name(), error = causes, "call refused");
    }
}

fn add_violations(details: &mut ErrorDetails, fields: &[Violation]) {
    let mut left = MAX_VIOLATION_BYTES;
    for (told, violation) in fields.iter().enumerate() {
        let size = violation.field.len() + violation.text.len() + 8;
        if size > left {
            let rest = fields.len() - told;
            details.add_bad_request_violation("", format!("and {rest} more violations"));
            return;
        }
        left -= size;
        details.add_bad_request_violation(&violation.field, &*violation.text);
    }
}

fn clip(text: Cow<'static, str>) -> String {
    let mut text = text.into_owned();
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn completed(status: Status) -> Status {
        let mut headers = status.into_http::<()>().into_parts().0.headers;
        complete(&mut headers);
        Status::from_header_map(&headers).unwrap()
    }

    #[test]
    fn every_reason_reaches_the_wire_with_its_code_and_name() {
        for reason in Reason::ALL {
            let status = completed(refuse(*reason, "text"));
            assert_eq!(status.code(), reason.grpc_code());
            let info = status.get_details_error_info().unwrap();
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                (reason.name(), ERROR_DOMAIN)
            );
        }
    }

    #[test]
    fn all_violations_metadata_and_delay_are_told() {
        let fields = vec![
            Violation {
                field: "contact.email".into(),
                text: "is not an address".into(),
            },
            Violation {
                field: "channel".into(),
                text: "is required".into(),
            },
        ];
        let error = Error::invalid(fields)
            .with("scope", "leads.read")
            .retry_after(Duration::from_secs(3));
        let details = Status::from(error).get_error_details();
        let told: Vec<_> = details
            .bad_request()
            .unwrap()
            .field_violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(told, ["contact.email", "channel"]);
        assert_eq!(details.error_info().unwrap().metadata["scope"], "leads.read");
        assert_eq!(
            details.retry_info().unwrap().retry_delay,
            Some(Duration::from_secs(3))
        );
    }

    #[test]
    fn a_thousand_violations_still_fit_into_headers() {
        let fields = (0..1000)
            .map(|index| Violation {
                field: format!("messages[{index}].text"),
                text: "is empty".into(),
            })
            .collect();
        let status = Status::from(Error::invalid(fields));
        assert!(status.details().len() < 6 * 1024, "{}", status.details().len());
        let last = status
            .get_details_bad_request()
            .unwrap()
            .field_violations
            .pop()
            .unwrap();
        assert!(last.description.ends_with("more violations"), "{last:?}");
    }

    #[test]
    fn statuses_of_the_transport_get_a_reason_and_lose_internal_names() {
        let decode = <leads_proto::leads::v1::Lead as prost::Message>::decode(&[0x12, 0x02, 0x0a, 0x05][..]);
        let status = completed(Status::internal(decode.unwrap_err().to_string()));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            status.get_details_error_info().unwrap().reason,
            "MALFORMED_REQUEST"
        );
        assert!(!status.message().contains("Lead"), "{}", status.message());

        let status = completed(Status::internal("connection to 10.0.0.7 lost"));
        assert_eq!(status.get_details_error_info().unwrap().reason, "INTERNAL");
        assert!(!status.message().contains("10.0"), "{}", status.message());

        let status = completed(Status::unimplemented(""));
        assert_eq!(status.get_details_error_info().unwrap().reason, "UNKNOWN_METHOD");
    }

    #[test]
    fn success_is_left_alone() {
        let mut headers = HeaderMap::new();
        headers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("0"));
        let before = headers.clone();
        complete(&mut headers);
        assert_eq!(headers, before);
    }
}

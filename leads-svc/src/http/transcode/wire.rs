//! REST requests as gRPC calls and back: headers, the one frame, the status.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method as Verb, Request, Response, Uri, header, request::Parts,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use leads_proto::reason::Reason;
use prost::Message;
use prost_reflect::DynamicMessage;
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt;

use super::{
    request::{self, Head, UPDATE_MASK},
    route,
};
use crate::{
    domain::violation::Violation,
    service::error::{Error, Result},
};

/// Seconds that the caller waits at most.
const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");

/// Bytes before the message in a gRPC frame.
const PREFIX: usize = 5;

/// Headers of the request that are about its body or its connection, and not about the call.
const NOT_FORWARDED: [HeaderName; 10] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("grpc-timeout"),
];

/// The same request as a gRPC call, with its body unread and its route in the extensions.
pub fn as_grpc(request: Request<Body>, head: Head) -> Result<Request<Body>> {
    let (mut parts, body) = request.into_parts();
    let takes_body = head.route.body != route::Body::None;
    let has_body = !http_body::Body::is_end_stream(&body);
    if takes_body && has_body && !is_json(&parts.headers) {
        return Err(Error::new(
            Reason::UnsupportedMediaType,
            "the content type must be application/json in UTF-8, without a content encoding",
        ));
    }
    parts.uri = head.route.path.parse::<Uri>().map_err(Error::internal)?;
    parts.method = Verb::POST;
    for name in &NOT_FORWARDED {
        parts.headers.remove(name);
    }
    if let Some(seconds) = parts.headers.remove(REQUEST_TIMEOUT) {
        let timeout = [seconds.as_bytes(), b"S"].concat();
        // Bytes that no header may have came in a header, so this cannot fail; the stack reads the number.
        let timeout = HeaderValue::from_bytes(&timeout).map_err(Error::internal)?;
        parts.headers.insert("grpc-timeout", timeout);
    }
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    parts
        .headers
        .insert(header::TE, HeaderValue::from_static("trailers"));
    parts.extensions.insert(head);
    Ok(Request::from_parts(parts, body))
}

fn is_json(headers: &HeaderMap) -> bool {
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let utf8 = parameters.split(';').map(str::trim).all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    plain && utf8 && kind.trim().eq_ignore_ascii_case("application/json")
}

/// The rules that the message of a call breaks; the call is gRPC's, its message without the frame.
pub type Rules = Arc<dyn Fn(&Parts, &[u8]) -> Vec<Violation> + Send + Sync>;

/// Replaces the JSON body of a REST call by the frame that the method takes.
pub async fn decode(request: Request<Body>, limit: usize, rules: &Rules) -> Result<Request<Body>, Status> {
    let (mut parts, body) = request.into_parts();
    let Some(head) = parts.extensions.remove::<Head>() else {
        return Ok(Request::from_parts(parts, body));
    };
    let body = Limited::new(body, limit)
        .collect()
        .await
        .map_err(|error| broken(error, limit))?;
    let (message, mut faults) = request::message(&head, &body.to_bytes())?;
    if !faults.is_empty() {
        let mut broken = rules(&parts, &message.encode_to_vec());
        if head.makes_mask() {
            // What the body names and we cannot read is not in the mask that we made of it.
            broken.retain(|rule| rule.field != UPDATE_MASK);
        }
        faults.add_rules(broken, head.route.body_field());
        return Err(faults.into_error().into());
    }
    Ok(Request::from_parts(parts, Body::new(Full::new(frame(&message)?))))
}

/// What to answer when the body ended with an error.
fn broken(error: Box<dyn std::error::Error + Send + Sync>, limit: usize) -> Status {
    if error.is::<LengthLimitError>() {
        return Error::new(
            Reason::MessageTooLarge,
            format!("the body is larger than {limit} bytes"),
        )
        .into();
    }
    match error.downcast::<Status>() {
        Ok(status) if status.get_details_error_info().is_some() => *status,
        _ => Error::new(Reason::MalformedRequest, "the request ended before its body did").into(),
    }
}

fn frame(message: &DynamicMessage) -> Result<Bytes> {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).map_err(Error::internal)?);
    message.encode(&mut frame).map_err(Error::internal)?;
    Ok(frame.freeze())
}

/// The message of a gRPC answer and its headers; or the status that it ended with.
pub async fn read_answer(
    response: Response<Body>,
) -> std::result::Result<(HeaderMap, Bytes), Box<(Status, HeaderMap)>> {
    let (parts, body) = response.into_parts();
    let mut headers = parts.headers;
    let broken =
        |headers: HeaderMap, why: &'static str| Box::new((Status::from(Error::internal(why)), headers));
    if let Some(status) = Status::from_header_map(&headers).filter(|status| status.code() != Code::Ok) {
        return Err(Box::new((status, headers)));
    }
    let Ok(collected) = body.collect().await else {
        return Err(broken(headers, "the answer's body broke off"));
    };
    if let Some(status) = collected.trailers().and_then(Status::from_header_map)
        && status.code() != Code::Ok
    {
        return Err(Box::new((status, headers)));
    }
    let mut body = collected.to_bytes();
    if body.len() < PREFIX {
        return Err(broken(headers, "the answer holds no message"));
    }
    let message = body.split_off(PREFIX);
    for name in [
        "grpc-status",
        "grpc-message",
        "grpc-encoding",
        "grpc-accept-encoding",
    ] {
        headers.remove(name);
    }
    Ok((headers, message))
}

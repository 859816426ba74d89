//! Reads the one message of a unary call: its length is checked before anything is kept, and gzip stops at the limit.

use std::io::Read;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use leads_proto::reason::Reason;
use tokio::time::Instant;
use tonic::{Status, body::Body};
use tonic_types::StatusExt;
use tower::{ServiceExt, service_fn};

use super::{
    deadline::{self, Deadline},
    head::Method,
    stack::Calls,
};
use crate::grpc::status::refuse;

/// Bytes before each message: a flag and a length.
const PREFIX: usize = 5;

/// Puts a check of the request body in front of `inner`, which gets one frame that is whole and not compressed.
/// Methods that take a stream are left alone.
pub fn framed(inner: Calls, message_bytes: usize) -> Calls {
    Calls::new(service_fn(move |request: Request<Body>| {
        let inner = inner.clone();
        async move {
            let unary = request
                .extensions()
                .get::<Method>()
                .is_none_or(|method| method.unary_request);
            let request = if unary {
                match read(request, message_bytes).await {
                    Ok(request) => request,
                    Err(status) => return Ok(status.into_http()),
                }
            } else {
                request
            };
            let passed = request
                .extensions()
                .get::<Deadline>()
                .is_some_and(|deadline| deadline.0 <= Instant::now());
            if passed {
                return Ok(deadline::exceeded().into_http());
            }
            inner.oneshot(request).await
        }
    }))
}

async fn read(request: Request<Body>, limit: usize) -> Result<Request<Body>, Status> {
    let (mut parts, body) = request.into_parts();
    let gzip = parts
        .headers
        .get("grpc-encoding")
        .is_some_and(|encoding| encoding.as_bytes() == b"gzip");
    let frame = read_frame(body, gzip, limit).await?;
    remove_encoding(&mut parts.headers);
    Ok(Request::from_parts(parts, Body::new(Full::new(frame))))
}

/// The frame that follows is plain and whole.
fn remove_encoding(headers: &mut HeaderMap) {
    headers.remove("grpc-encoding");
    headers.remove(http::header::CONTENT_LENGTH);
}

async fn read_frame(mut body: Body, gzip: bool, limit: usize) -> Result<Bytes, Status> {
    let mut kept = BytesMut::new();
    let mut expected = None;
    while let Some(part) = body.frame().await {
        let part = part.map_err(broken)?;
        let Ok(data) = part.into_data() else { continue };
        kept.extend_from_slice(&data);
        if expected.is_none() {
            expected = frame_bytes(&kept, gzip, limit)?;
        }
        if expected.is_some_and(|expected| kept.len() > expected) {
            return Err(malformed("the method takes one message, and more came"));
        }
    }
    match expected {
        None if kept.is_empty() => return Err(malformed("the request holds no message")),
        Some(expected) if kept.len() == expected => {}
        None | Some(_) => return Err(malformed("the request ended before its message did")),
    }
    let frame = kept.freeze();
    if frame.first() == Some(&1) {
        unzip(&frame.slice(PREFIX..), limit)
    } else {
        Ok(frame)
    }
}

/// Bytes of the whole frame, as soon as its prefix is there.
fn frame_bytes(kept: &[u8], gzip: bool, limit: usize) -> Result<Option<usize>, Status> {
    let Some((&[flag, a, b, c, d], _)) = kept.split_first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    match flag {
        0 => {}
        1 if gzip => {}
        1 => {
            return Err(malformed(
                "the message is marked as compressed, and no grpc-encoding says how",
            ));
        }
        _ => return Err(malformed("the message's flag must be 0 or 1")),
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > limit {
        return Err(too_large(limit));
    }
    Ok(Some(PREFIX + length))
}

/// A plain frame of what `packed` holds.
fn unzip(packed: &[u8], limit: usize) -> Result<Bytes, Status> {
    let mut frame = Vec::with_capacity(PREFIX + packed.len());
    frame.put_bytes(0, PREFIX);
    let cap = (limit as u64).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(cap)
        .read_to_end(&mut frame)
        .map_err(|_| malformed("the message is not valid gzip"))?;
    let length = frame.len() - PREFIX;
    if length > limit {
        return Err(too_large(limit));
    }
    if let (Some(prefix), Ok(length)) = (frame.get_mut(1..PREFIX), u32::try_from(length)) {
        prefix.copy_from_slice(&length.to_be_bytes());
    }
    Ok(frame.into())
}

/// What to answer when the body ended with an error: a refusal of our own, or that it ended too early.
fn broken(status: Status) -> Status {
    if status.get_details_error_info().is_some() {
        return status;
    }
    malformed("the request ended before its message did")
}

fn malformed(text: &'static str) -> Status {
    refuse(Reason::MalformedRequest, text)
}

fn too_large(limit: usize) -> Status {
    refuse(
        Reason::MessageTooLarge,
        format!("the message is larger than {limit} bytes"),
    )
}

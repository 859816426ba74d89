//! What all REST answers have in common.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;

/// A service for calls, whatever layers it is made of.
pub type Calls = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// An answer that no cache keeps, since it may hold personal data, and no browser takes for another type.
pub fn with(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Response<Body> {
    let body = body.into();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    *response.body_mut() = Body::new(Full::new(body));
    response
}

/// The same answer without its body, for HEAD.
pub fn headless(response: Response<Body>) -> Response<Body> {
    response.map(|_| Body::empty())
}

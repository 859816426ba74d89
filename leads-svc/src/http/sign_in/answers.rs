//! Answers to browsers: pages, redirects, refusals in the form that was asked for.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tonic::{Status, body::Body};

use super::pages;
use crate::{
    http::{answer, problem::Problem},
    service::error::Error,
};

/// A page.
pub(super) fn page(status: StatusCode, mut headers: HeaderMap, text: String) -> Response<Body> {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    answer::with(status, guarded(headers), text)
}

/// The style of the pages. It says nothing about anybody, but is small: no cache is worth an exception.
pub(super) fn style() -> Response<Body> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/css; charset=utf-8"),
    );
    answer::with(StatusCode::OK, guarded(headers), pages::STYLE)
}

/// Sends the browser on by GET.
pub(super) fn see_other(mut headers: HeaderMap, to: &str) -> Result<Response<Body>, Error> {
    let to = HeaderValue::from_str(to).map_err(Error::internal)?;
    headers.insert(header::LOCATION, to);
    let mut headers = guarded(headers);
    // The address that is left may hold a code.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer::with(StatusCode::SEE_OTHER, headers, ""))
}

/// A refusal: a page for people, a problem document for everybody else.
pub(super) fn refusal(
    error: Error,
    asked: &HeaderMap,
    headers: HeaderMap,
    trace: Option<&str>,
) -> Response<Body> {
    let (reason, text) = (error.reason, error.text.clone().into_owned());
    // The status is what logs what only we may read.
    let status = Status::from(error);
    let problem = Problem::read(&status, str::to_owned, trace).into_response(guarded(headers));
    if !wants_page(asked) {
        return problem;
    }
    let (parts, _) = problem.into_parts();
    let mut headers = parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    page(reason.http_status(), headers, pages::refused(&text, trace))
}

/// Whether the caller is a browser that shows a page.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"))
}

/// What holds for whatever a browser is given here.
fn guarded(mut headers: HeaderMap) -> HeaderMap {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, pages::POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not no-referrer: with it, browsers take the origin off the forms of the page.
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

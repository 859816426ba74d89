//! The HTTP client for vendors: no redirects, no proxies from the environment, bounded time and bounded bodies.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde::de::DeserializeOwned;

use crate::process::telemetry::inject_current;

/// What a vendor may cost us.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// Time for TCP and TLS.
    pub connect: Duration,
    /// Time for a call, the body included.
    pub total: Duration,
    /// Largest answer, in bytes.
    pub body: usize,
    /// Whether plain http is allowed, for tests and development.
    pub allow_http: bool,
    /// Names us to the vendor.
    pub user_agent: String,
}

/// Makes calls. Clones share connections.
#[derive(Debug, Clone)]
pub struct VendorClient {
    http: reqwest::Client,
    limits: ClientLimits,
}

/// A complete answer, whatever its status.
#[derive(Debug, Clone)]
pub struct VendorResponse {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, unzipped by nobody.
    pub body: Bytes,
}

/// Why there is no complete answer. The texts hold neither URLs nor headers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The vendor cannot have seen the call: repeating it is safe.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The call may have taken effect.
    #[error("sent, but not answered: {0}")]
    Unknown(String),
    /// The answer is larger than allowed; the call may have taken effect.
    #[error("the answer to status {status} is larger than {limit} bytes")]
    TooLarge {
        /// Status of the answer.
        status: StatusCode,
        /// Bytes that are allowed.
        limit: usize,
    },
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            body: 1024 * 1024,
            allow_http: false,
            user_agent: concat!("leads/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl VendorClient {
    /// Builds a client; [`crate::process::crypto_provider`] comes first.
    ///
    /// # Errors
    /// The user agent is no header value, or the system's certificates cannot be read.
    pub fn new(limits: ClientLimits) -> Result<Self, reqwest::Error> {
        crate::process::crypto_provider();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(limits.user_agent.as_str())
            .build()?;
        Ok(Self { http, limits })
    }

    /// Limits of this client.
    pub fn limits(&self) -> &ClientLimits {
        &self.limits
    }

    /// Makes one call within the current trace. Redirects and errors are answers like any other.
    ///
    /// # Errors
    /// There is no complete answer.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<VendorResponse, TransportError> {
        let scheme = request.uri().scheme_str();
        if scheme != Some("https") && !(self.limits.allow_http && scheme == Some("http")) {
            return Err(TransportError::NotSent("only https is allowed".to_owned()));
        }
        if let Some(Ok(value)) = inject_current().map(HeaderValue::try_from) {
            request.headers_mut().insert("traceparent", value);
        }
        let request =
            reqwest::Request::try_from(request).map_err(|error| TransportError::NotSent(text(error)))?;
        let mut response = self.http.execute(request).await.map_err(classify)?;

        let status = response.status();
        let too_large = TransportError::TooLarge {
            status,
            limit: self.limits.body,
        };
        let limit = u64::try_from(self.limits.body).unwrap_or(u64::MAX);
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| TransportError::Unknown(text(error)))?
        {
            if body.len() + chunk.len() > self.limits.body {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(VendorResponse {
            status,
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }
}

impl VendorResponse {
    /// The body as JSON.
    ///
    /// # Errors
    /// It is something else, such as a proxy's page.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// A header's value, if there is exactly one that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }
}

fn classify(error: reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(text(error))
    } else {
        TransportError::Unknown(text(error))
    }
}

/// The causes without the URL, which may hold a secret.
fn text(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

//! The innermost service: one HTTP call.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tower::{BoxError, Service};
use tracing::Instrument;

use super::{CallError, VendorCall};
use crate::vendor::{TransportError, VendorClient, VendorResponse};

/// Sends a call, and counts it.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: VendorClient,
}

impl Http {
    pub(super) fn new(client: VendorClient) -> Self {
        Self { client }
    }
}

impl Service<VendorCall> for Http {
    type Response = VendorResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<VendorResponse, BoxError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: VendorCall) -> Self::Future {
        let client = self.client.clone();
        call.lease.count_call();
        let span = tracing::info_span!(
            "vendor call",
            otel.kind = "client",
            http.request.method = %call.request.method(),
            url.path = call.request.uri().path(),
            http.response.status_code = tracing::field::Empty,
        );
        let recorded = span.clone();
        async move {
            crate::crash_point!("driver.before_vendor_call");
            let answer = client.send(call.request).await;
            match &answer {
                Ok(response) => drop(recorded.record("http.response.status_code", response.status.as_u16())),
                Err(error) => tracing::info!(%error, "vendor call brought no answer"),
            }
            answer.map_err(BoxError::from)
        }
        .instrument(span)
        .boxed()
    }
}

/// The time-out speaks of boxed errors only.
pub(super) fn call_error(error: BoxError) -> CallError {
    match error.downcast::<TransportError>() {
        Ok(error) => CallError::Transport(*error),
        Err(other) => CallError::Transport(TransportError::Unknown(other.to_string())),
    }
}

//! Counts vendor calls and how long they take, waits and repeats included.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::{CallError, VendorCall};
use crate::vendor::{TransportError, VendorResponse};

/// Upper bounds in seconds.
const BOUNDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];

#[derive(Clone)]
pub(super) struct MetricsLayer {
    duration: Arc<Histogram<f64>>,
}

#[derive(Clone)]
pub(super) struct MetricsService<S> {
    duration: Arc<Histogram<f64>>,
    inner: S,
}

impl MetricsLayer {
    pub(super) fn new(meter: &Meter) -> Self {
        let duration = meter
            .f64_histogram("leads.vendor.call.duration")
            .with_unit("s")
            .with_description(
                "Time of one call to the vendor, by lane and result: a status, or why there was none.",
            )
            .with_boundaries(BOUNDS.to_vec())
            .build();
        Self {
            duration: Arc::new(duration),
        }
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = MetricsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MetricsService {
            duration: self.duration.clone(),
            inner,
        }
    }
}

impl<S> Service<VendorCall> for MetricsService<S>
where
    S: Service<VendorCall, Response = VendorResponse, Error = CallError>,
    S::Future: Send + 'static,
{
    type Response = VendorResponse;
    type Error = CallError;
    type Future = BoxFuture<'static, Result<VendorResponse, CallError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: VendorCall) -> Self::Future {
        let duration = self.duration.clone();
        let lane = call.lease.lane().name();
        let start = Instant::now();
        let answer = self.inner.call(call);
        async move {
            let answer = answer.await;
            let labels = [
                KeyValue::new("result", result(&answer)),
                KeyValue::new("lane", lane),
            ];
            duration.record(start.elapsed().as_secs_f64(), &labels);
            answer
        }
        .boxed()
    }
}

/// Few enough values for a label.
fn result(answer: &Result<VendorResponse, CallError>) -> String {
    match answer {
        Ok(response) => response.status.as_str().to_owned(),
        Err(CallError::Transport(TransportError::NotSent(_))) => "not_sent".to_owned(),
        Err(CallError::Transport(TransportError::Unknown(_))) => "unknown".to_owned(),
        Err(CallError::Transport(TransportError::TooLarge { .. })) => "too_large".to_owned(),
        Err(CallError::NoQuota(_)) => "no_quota".to_owned(),
        Err(CallError::NoTime) => "no_time".to_owned(),
    }
}

//! The stack that every vendor call goes through, outside in: metrics → retry → quota → concurrency → timeout → HTTP.
//!
//! Retry is outside quota, so that every attempt pays. A call takes its place among the concurrent ones before it takes
//! its quota, so that nothing lies between the quota and the wire, and gives the place up while it has to wait for quota.

mod http;
mod metrics;
mod quota;
mod retry;

use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use opentelemetry::metrics::Meter;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use super::lease::LeaseBudget;
use super::outcome::Outcome;
use crate::quota::{Account, Feedback, Quota};
use crate::vendor::{TransportError, VendorClient, VendorResponse};

/// Reads from an answer what it says about the account's quota.
pub type ReadFeedback = Arc<dyn Fn(&VendorResponse) -> Feedback + Send + Sync>;

/// A call with the account that pays for it and the lease that it must fit.
#[derive(Debug, Clone)]
pub struct VendorCall {
    /// Whose quota is used.
    pub account: Account,
    /// Until when, and how urgent.
    pub lease: LeaseBudget,
    /// What to send. Repeated only if the vendor cannot have acted on it.
    pub request: Request<Bytes>,
}

/// Bounds of the stack.
#[derive(Debug, Clone)]
pub struct CallSettings {
    /// Calls at a time, all accounts together.
    pub concurrency: usize,
    /// Time that must be left of a lease beyond the call's own time-out, for the report.
    pub margin: Duration,
    /// Longest wait for quota within a lease.
    pub quota_wait: Duration,
    /// Longest pause after a 429 that is waited for within the lease.
    pub short_pause: Duration,
}

/// Makes vendor calls. Clones share limits and connections.
#[derive(Clone)]
pub struct VendorCalls {
    stack: BoxCloneSyncService<VendorCall, VendorResponse, CallError>,
    needed: Duration,
}

/// Why a call brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Sent or tried to.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Not sent: the account has no call left for so long.
    #[error("no quota for {} ms", .0.as_millis())]
    NoQuota(Duration),
    /// Not sent: what is left of the lease is shorter than the call may take.
    #[error("no time left in the lease")]
    NoTime,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            concurrency: 64,
            margin: Duration::from_secs(2),
            quota_wait: Duration::from_secs(5),
            short_pause: Duration::from_secs(2),
        }
    }
}

impl VendorCalls {
    /// Builds the stack.
    pub fn new(
        client: VendorClient,
        quota: Quota,
        feedback: ReadFeedback,
        settings: &CallSettings,
        meter: &Meter,
    ) -> Self {
        let time_limit = client.limits().total;
        let stack = ServiceBuilder::new()
            .layer(metrics::MetricsLayer::new(meter))
            .layer(tower::retry::RetryLayer::new(retry::QuickRepeats::new(
                settings, time_limit,
            )))
            .layer(quota::QuotaLayer::new(quota, feedback, settings, time_limit))
            .layer(tower::limit::ConcurrencyLimitLayer::new(settings.concurrency))
            .map_err(http::call_error)
            .layer(tower::timeout::TimeoutLayer::new(time_limit))
            .service(http::Http::new(client));
        Self {
            stack: BoxCloneSyncService::new(stack),
            needed: time_limit + settings.margin,
        }
    }

    /// Time of a lease that a call may need, its report included.
    pub fn needed(&self) -> Duration {
        self.needed
    }

    /// Makes a call, repeated where that is safe and quick.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn call(&self, call: VendorCall) -> Result<VendorResponse, CallError> {
        self.stack.clone().oneshot(call).await
    }
}

impl CallError {
    /// What it means for each item of the call.
    pub fn outcome(&self) -> Outcome {
        match self {
            CallError::NoQuota(_) | CallError::NoTime => Outcome::NotStarted,
            CallError::Transport(TransportError::NotSent(why)) => Outcome::Retry {
                class: "UNAVAILABLE",
                after: None,
                code: "NOT_SENT".to_owned(),
                message: why.clone(),
            },
            CallError::Transport(error @ (TransportError::Unknown(_) | TransportError::TooLarge { .. })) => {
                Outcome::Unknown {
                    why: error.to_string(),
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

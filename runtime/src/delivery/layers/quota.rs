//! Takes one call out of the account's quota before each attempt, and learns from each answer.
//!
//! A call that has a place among the concurrent ones asks for its quota, so that nothing lies between the quota and the
//! wire; while it waits for quota it gives its place to others, whose accounts may have some.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::{CallError, CallSettings, ReadFeedback, VendorCall};
use crate::quota::{Feedback, Quota, Use, Verdict};
use crate::vendor::VendorResponse;

#[derive(Clone)]
pub(super) struct QuotaLayer(Arc<Shared>);

#[derive(Clone)]
pub(super) struct QuotaService<S> {
    shared: Arc<Shared>,
    inner: S,
}

struct Shared {
    quota: Quota,
    feedback: ReadFeedback,
    /// Time that a call needs of the lease.
    needed: Duration,
    longest_wait: Duration,
}

impl QuotaLayer {
    pub(super) fn new(
        quota: Quota,
        feedback: ReadFeedback,
        settings: &CallSettings,
        time_limit: Duration,
    ) -> Self {
        let needed = time_limit + settings.margin;
        Self(Arc::new(Shared {
            quota,
            feedback,
            needed,
            longest_wait: settings.quota_wait,
        }))
    }
}

impl Shared {
    /// A call that was paid for before the claim is not paid twice.
    async fn pay(&self, call: &VendorCall) -> Result<Verdict, CallError> {
        if !call.lease.fits(self.needed) {
            return Err(CallError::NoTime);
        }
        if let Some(permit) = call.lease.take_prepaid() {
            return Ok(Verdict::Granted(permit));
        }
        Ok(self
            .quota
            .try_acquire(&call.account, call.lease.lane(), Use::GoOn)
            .await)
    }

    /// Until when a call that comes now waits for its quota.
    fn deadline(&self, call: &VendorCall) -> Instant {
        let last_start = call
            .lease
            .until()
            .checked_sub(self.needed)
            .unwrap_or_else(Instant::now);
        last_start.min(Instant::now() + self.longest_wait)
    }
}

impl<S> Layer<S> for QuotaLayer {
    type Service = QuotaService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        QuotaService {
            shared: self.0.clone(),
            inner,
        }
    }
}

impl<S> Service<VendorCall> for QuotaService<S>
where
    S: Service<VendorCall, Response = VendorResponse, Error = CallError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = VendorResponse;
    type Error = CallError;
    type Future = BoxFuture<'static, Result<VendorResponse, CallError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: VendorCall) -> Self::Future {
        let (shared, inner) = (self.shared.clone(), self.inner.clone());
        async move {
            let deadline = shared.deadline(&call);
            let account = call.account.clone();
            let mut placed = loop {
                let mut placed = inner.clone();
                placed.ready().await?;
                let wait = match shared.pay(&call).await? {
                    Verdict::Granted(_spent) => break placed,
                    Verdict::Wait(wait) => wait,
                };
                drop(placed);
                if Instant::now() + wait > deadline {
                    return Err(CallError::NoQuota(wait));
                }
                shared.quota.sit_out(&account, wait).await;
            };
            let response = placed.call(call).await?;
            let feedback = (shared.feedback)(&response);
            if feedback != Feedback::default() {
                shared.quota.correct(&account, feedback).await;
            }
            Ok(response)
        }
        .boxed()
    }
}

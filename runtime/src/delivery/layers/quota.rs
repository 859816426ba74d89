//! Takes one call out of the account's quota before each attempt, and learns from each answer.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::{CallError, CallSettings, ReadFeedback, VendorCall};
use crate::quota::{Feedback, Permit, Quota, Use, Verdict};
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
    async fn pay(&self, call: &VendorCall) -> Result<Permit, CallError> {
        if !call.lease.fits(self.needed) {
            return Err(CallError::NoTime);
        }
        if let Some(permit) = call.lease.take_prepaid() {
            return Ok(permit);
        }
        let last_start = call
            .lease
            .until()
            .checked_sub(self.needed)
            .unwrap_or_else(Instant::now);
        let deadline = last_start.min(Instant::now() + self.longest_wait);
        match self
            .quota
            .acquire(&call.account, call.lease.lane(), Use::GoOn, deadline)
            .await
        {
            Verdict::Granted(permit) => Ok(permit),
            Verdict::Wait(wait) => Err(CallError::NoQuota(wait)),
        }
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

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: VendorCall) -> Self::Future {
        let shared = self.shared.clone();
        // The clone is not ready; the one that is has to be used.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        async move {
            let _spent: Permit = shared.pay(&call).await?;
            let account = call.account.clone();
            let response = inner.call(call).await?;
            let feedback = (shared.feedback)(&response);
            if feedback != Feedback::default() {
                shared.quota.correct(&account, feedback).await;
            }
            Ok(response)
        }
        .boxed()
    }
}

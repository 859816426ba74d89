//! Repeats a call within its lease where that is safe and quick; everything else is scheduled by leads-svc.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use tokio::time::sleep;
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};

use super::{CallError, CallSettings, VendorCall};
use crate::vendor::{TransportError, VendorResponse};

/// Most repeats of a call.
const REPEATS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Repeats per first attempt, over the last seconds: a vendor that fails every call sees 1.2 times the calls.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_SHARE: f32 = 0.2;
/// Repeats a second that are allowed without any budget, for the few calls of a quiet hour.
const BUDGET_FLOOR: u32 = 1;

/// Repeats calls that never reached the vendor, and calls that it refused with 429. The wait after a 429 is the quota's:
/// the refusal has paused the account.
#[derive(Clone)]
pub(super) struct QuickRepeats {
    budget: Arc<TpsBudget>,
    /// Time that a repeat needs of the lease.
    needed: Duration,
    short_pause: Duration,
    left: u32,
}

impl QuickRepeats {
    pub(super) fn new(settings: &CallSettings, time_limit: Duration) -> Self {
        let budget = Arc::new(TpsBudget::new(BUDGET_WINDOW, BUDGET_FLOOR, BUDGET_SHARE));
        Self {
            budget,
            needed: time_limit + settings.margin,
            short_pause: settings.short_pause,
            left: REPEATS,
        }
    }

    /// How long to wait before the repeat; `None` if there must be none.
    fn pause(&self, result: &Result<VendorResponse, CallError>) -> Option<Duration> {
        match result {
            Ok(response) if response.status == StatusCode::TOO_MANY_REQUESTS => {
                let seconds: f64 = response.header("retry-after")?.parse().ok()?;
                let pause = Duration::try_from_secs_f64(seconds).ok()?;
                (pause <= self.short_pause).then_some(pause)
            }
            Err(CallError::Transport(TransportError::NotSent(_))) => {
                let doublings = REPEATS.saturating_sub(self.left);
                Some((FIRST_PAUSE * 2_u32.pow(doublings)).mul_f64(rand::random_range(0.5..1.5)))
            }
            Ok(_) | Err(_) => None,
        }
    }
}

impl Policy<VendorCall, VendorResponse, CallError> for QuickRepeats {
    type Future = BoxFuture<'static, ()>;

    fn retry(
        &mut self,
        call: &mut VendorCall,
        result: &mut Result<VendorResponse, CallError>,
    ) -> Option<Self::Future> {
        let Some(pause) = self.pause(result) else {
            self.budget.deposit();
            return None;
        };
        let allowed = self.left > 0 && call.lease.fits(self.needed + pause) && self.budget.withdraw();
        if !allowed {
            return None;
        }
        self.left -= 1;
        Some(sleep(pause).boxed())
    }

    fn clone_request(&mut self, call: &VendorCall) -> Option<VendorCall> {
        Some(call.clone())
    }
}

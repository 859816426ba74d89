//! How long a batch may still act, how urgent it is and what it has paid for already.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::quota::Permit;
use crate::stream::Lane;

/// The right to act on a batch, for a while. Clones share the counts.
#[derive(Debug, Clone)]
pub struct LeaseBudget {
    until: Instant,
    lane: Lane,
    calls: Arc<AtomicU32>,
    prepaid: Arc<Mutex<Option<Prepaid>>>,
}

/// A call whose quota was taken before the claim.
#[derive(Debug, Clone, Copy)]
struct Prepaid {
    permit: Permit,
    valid_until: Instant,
}

impl LeaseBudget {
    /// A budget that ends in `remaining`, without a prepaid call.
    pub fn new(remaining: Duration, lane: Lane) -> Self {
        Self {
            until: Instant::now() + remaining,
            lane,
            calls: Arc::default(),
            prepaid: Arc::default(),
        }
    }

    /// Adds a call whose quota was taken before the claim. It has to be made before `valid_until`: one that is late would
    /// meet the next ones at the vendor.
    pub fn with_prepaid(self, permit: Permit, valid_until: Instant) -> Self {
        *self.prepaid.lock().unwrap_or_else(PoisonError::into_inner) = Some(Prepaid { permit, valid_until });
        self
    }

    /// Time that is left; zero once the lease is over.
    pub fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// When the lease is over.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether work of this length can be started.
    pub fn fits(&self, work: Duration) -> bool {
        self.remaining() >= work
    }

    /// How urgent the batch is.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Vendor calls that were made within this lease; an attempt that was repeated counts each time.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Counts a vendor call.
    pub fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the prepaid call, if it is still there and not late.
    pub fn take_prepaid(&self) -> Option<Permit> {
        let mut prepaid = self.prepaid.lock().unwrap_or_else(PoisonError::into_inner);
        let valid = prepaid.is_some_and(|prepaid| Instant::now() < prepaid.valid_until);
        if valid {
            prepaid.take().map(|prepaid| prepaid.permit)
        } else {
            None
        }
    }

    /// Takes the prepaid call even if it is late, to give it back.
    pub fn take_unused(&self) -> Option<Permit> {
        self.prepaid
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map(|prepaid| prepaid.permit)
    }
}

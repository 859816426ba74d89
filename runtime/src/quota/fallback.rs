//! Pacing without Redis: each replica takes its share of the limit, so that together they keep it. What it took is a
//! debt to the shared bucket, for the replicas that may still see Redis.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::account::Pace;

/// Accounts beyond this many make the oldest states go; a state that is made anew starts empty.
const MOST_ACCOUNTS: usize = 10_000;

/// Local buckets without bursts.
#[derive(Default)]
pub(super) struct Fallback {
    accounts: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    interval: Duration,
    limiter: DefaultDirectRateLimiter,
    debt: u32,
}

impl Fallback {
    /// `None` is a grant, else how long to wait.
    pub(super) fn acquire(&self, account: &str, pace: &Pace, live_replicas: u32) -> Option<Duration> {
        let interval = pace.interval * live_replicas.max(1);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() > MOST_ACCOUNTS {
            accounts.clear();
        }
        let bucket = match accounts.get_mut(account) {
            Some(bucket) if bucket.interval == interval => bucket,
            Some(_) | None => {
                let quota = Quota::with_period(interval)?.allow_burst(NonZeroU32::MIN);
                let limiter = RateLimiter::direct(quota);
                // Starts empty: what was granted just before is not known.
                let _ = limiter.check();
                let debt = accounts.get(account).map_or(0, |bucket| bucket.debt);
                accounts
                    .entry(account.to_owned())
                    .insert_entry(Bucket {
                        interval,
                        limiter,
                        debt,
                    })
                    .into_mut()
            }
        };
        match bucket.limiter.check() {
            Ok(()) => {
                bucket.debt = bucket.debt.saturating_add(1);
                None
            }
            Err(not_until) => Some(not_until.wait_time_from(DefaultClock::default().now())),
        }
    }

    /// Takes the calls that were granted here and that the shared bucket does not know of.
    pub(super) fn take_debt(&self, account: &str) -> u32 {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts
            .get_mut(account)
            .map_or(0, |bucket| std::mem::take(&mut bucket.debt))
    }

    /// Puts back what could not be told to the shared bucket.
    pub(super) fn keep_debt(&self, account: &str, debt: u32) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = accounts.get_mut(account) {
            bucket.debt = bucket.debt.saturating_add(debt);
        }
    }
}

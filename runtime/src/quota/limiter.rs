//! Asks the shared bucket, or paces locally while Redis is away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::account::{Account, Pace, Use};
use super::fallback::Fallback;
use super::script::{Correction, Scripts};
use crate::stream::{Destination, Lane, Redis, RedisError};

/// How long Redis is left alone after it failed.
const AWAY: Duration = Duration::from_secs(1);
/// Longest wait for Redis.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Longest pause that a vendor can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// The quota of a destination's accounts. Clones share everything.
#[derive(Clone)]
pub struct Quota {
    inner: Arc<Inner>,
}

/// How the quota is kept.
#[derive(Debug, Clone, Copy)]
pub struct QuotaSettings {
    /// By how much the way to the vendor may differ from call to call: calls that leave in this time beyond a window
    /// still count into the window. 50 to 200 ms.
    pub safety: Duration,
}

/// How many replicas share a limit while Redis is away. Clones share the number.
#[derive(Debug, Clone)]
pub struct LiveReplicas(Arc<AtomicU32>);

/// Whether a call may be made.
#[derive(Debug)]
pub enum Verdict {
    /// Now. An unused permit is given back by [`Quota::give_back`].
    Granted(Permit),
    /// Not before this time has passed; others may be faster then.
    Wait(Duration),
}

/// The right to make one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a permit that is neither used nor given back is wasted"]
pub struct Permit {
    /// Bucket of Redis that it comes from.
    born: Option<u64>,
}

/// What a vendor's answer says about the account's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// Calls that are left in the current window.
    pub remaining: Option<u32>,
    /// Calls that are left today.
    pub daily_remaining: Option<u32>,
    /// Make no call before this time has passed: the call was one too many.
    pub pause: Option<Duration>,
}

struct Inner {
    redis: Redis,
    destination: Destination,
    settings: QuotaSettings,
    replicas: LiveReplicas,
    scripts: Scripts,
    fallback: Fallback,
    away_until: Mutex<Option<Instant>>,
    /// Pauses are kept here as well, for the time without Redis.
    paused: Mutex<HashMap<String, Instant>>,
}

impl Default for QuotaSettings {
    fn default() -> Self {
        Self {
            safety: Duration::from_millis(100),
        }
    }
}

impl Default for LiveReplicas {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1)))
    }
}

impl LiveReplicas {
    /// Takes over what leads-svc said; at least 1.
    pub fn set(&self, count: u32) {
        self.0.store(count.max(1), Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Quota {
    /// A quota whose buckets are made when they are first asked.
    pub fn new(
        redis: Redis,
        destination: Destination,
        settings: QuotaSettings,
        replicas: LiveReplicas,
    ) -> Self {
        let inner = Inner {
            redis,
            destination,
            settings,
            replicas,
            scripts: Scripts::new(),
            fallback: Fallback::default(),
            away_until: Mutex::default(),
            paused: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes one call, waiting for it until `deadline`. Work that is begun finds a call that new work leaves alone, and the
    /// hot lane one that the others leave.
    pub async fn acquire(&self, account: &Account, lane: Lane, use_: Use, deadline: Instant) -> Verdict {
        loop {
            let wait = match self.try_acquire(account, lane, use_).await {
                Verdict::Granted(permit) => return Verdict::Granted(permit),
                Verdict::Wait(wait) => wait,
            };
            if Instant::now() + wait > deadline {
                return Verdict::Wait(wait);
            }
            self.sit_out(account, wait).await;
        }
    }

    /// Waits until a call may be there. Spreads those who wait for the same one, so that they do not all come at once.
    pub(crate) async fn sit_out(&self, account: &Account, wait: Duration) {
        let pace = self.pace(account);
        sleep(wait + pace.interval.mul_f64(rand::random_range(0.0..0.2))).await;
    }

    /// Takes one call if there is one now.
    pub async fn try_acquire(&self, account: &Account, lane: Lane, use_: Use) -> Verdict {
        let pace = self.pace(account).leaving(lane, use_);
        if !self.is_away() {
            let mut connection = self.inner.redis.commands();
            let key = self.key(account);
            let debt = self.inner.fallback.take_debt(&account.id);
            match self
                .bounded(
                    self.inner
                        .scripts
                        .acquire(&mut connection, &key, &pace, account, debt),
                )
                .await
            {
                Some(answer) if answer.wait == 0 => {
                    return Verdict::Granted(Permit {
                        born: Some(answer.born),
                    });
                }
                Some(answer) => return Verdict::Wait(Duration::from_micros(answer.wait)),
                None => self.inner.fallback.keep_debt(&account.id, debt),
            }
        }
        if let Some(wait) = self.local_pause(account) {
            return Verdict::Wait(wait);
        }
        match self
            .inner
            .fallback
            .acquire(&account.id, &pace, self.inner.replicas.get())
        {
            None => Verdict::Granted(Permit { born: None }),
            Some(wait) => Verdict::Wait(wait),
        }
    }

    /// Returns a call that was not made.
    pub async fn give_back(&self, account: &Account, permit: Permit) {
        if let Some(born) = permit.born {
            let mut connection = self.inner.redis.commands();
            let pace = self.pace(account);
            self.bounded(
                self.inner
                    .scripts
                    .refund(&mut connection, &self.key(account), &pace, born),
            )
            .await;
        }
    }

    /// Takes over what the vendor says of the account.
    pub async fn correct(&self, account: &Account, feedback: Feedback) {
        let pause = feedback.pause.map(|pause| pause.min(LONGEST_PAUSE));
        if let Some(pause) = pause {
            let mut paused = self.inner.paused.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            paused.retain(|_, until| *until > now);
            paused.insert(account.id.clone(), now + pause);
        }
        let pace = self.pace(account);
        let remaining = feedback
            .remaining
            .filter(|remaining| *remaining < pace.spare.max(1));
        if pause.is_none() && feedback.daily_remaining.is_none() && remaining.is_none() {
            return;
        }
        let correction = Correction {
            pause: pause.map_or(0, |pause| u64::try_from(pause.as_micros()).unwrap_or(u64::MAX)),
            remaining,
            day_left: feedback.daily_remaining,
        };
        let mut connection = self.inner.redis.commands();
        self.bounded(
            self.inner
                .scripts
                .correct(&mut connection, &self.key(account), &pace, &correction),
        )
        .await;
    }

    fn pace(&self, account: &Account) -> Pace {
        account.limits.pace(self.inner.settings.safety)
    }

    fn key(&self, account: &Account) -> String {
        format!("leads:quota:{{{}:{}}}", self.inner.destination, account.id)
    }

    fn is_away(&self) -> bool {
        let until = *self
            .inner
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn local_pause(&self, account: &Account) -> Option<Duration> {
        let paused = self.inner.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let left = paused.get(&account.id)?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        let reason = match timeout(TIMEOUT, call).await {
            Ok(Ok(value)) => {
                *self
                    .inner
                    .away_until
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = None;
                return Some(value);
            }
            Ok(Err(error)) => {
                self.inner.redis.failed(&error);
                error.to_string()
            }
            Err(_elapsed) => "timed out".to_owned(),
        };
        let mut away_until = self
            .inner
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if away_until.is_none() {
            tracing::warn!(reason, "shared quota cannot be asked, pacing locally");
        }
        *away_until = Some(Instant::now() + AWAY);
        None
    }
}

//! Authentication: a credential's text to a [`Principal`], and how fast a caller may go on.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use leads_proto::reason::Reason;
use moka::future::Cache;

use super::{
    error::{Error, Result},
    keys::Presented,
    principal::{Bound, Principal, Scope},
};
use crate::storage::{Store, keys::Key};

/// How long a revoked key may still pass; the API promises at most five seconds.
const FRESH: Duration = Duration::from_secs(4);
const MAX_KEPT: u64 = 100_000;
/// Wrong credentials of one address before it is told to slow down, and how fast that is forgiven.
const WRONG_BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

type CallLimiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// How fast one key may call.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Calls a second in the long run.
    pub per_second: NonZeroU32,
    /// Calls at once.
    pub burst: NonZeroU32,
}

/// Where a key stands with its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// Calls at once.
    pub limit: u32,
    /// Calls that are left now.
    pub remaining: u32,
    /// Until all calls are left again.
    pub reset: Duration,
    /// Time in which `limit` calls come back.
    pub window: Duration,
}

/// See the module; clones share everything.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    store: Store,
    known: Cache<String, Arc<Key>>,
    used: Mutex<HashMap<String, DateTime<Utc>>>,
    calls: CallLimiter,
    rate: Rate,
    wrong: DefaultKeyedRateLimiter<IpAddr>,
}

impl Auth {
    /// Authentication against a store.
    pub fn new(store: Store, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self(Arc::new(Inner {
            store,
            known: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(FRESH)
                .build(),
            used: Mutex::default(),
            calls: RateLimiter::keyed(quota).with_middleware(),
            rate,
            wrong: RateLimiter::keyed(Quota::per_minute(WRONG_PER_MINUTE).allow_burst(WRONG_BURST)),
        }))
    }

    /// Who holds a credential.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, the same whether the key is malformed, unknown, revoked or expired; `RATE_LIMITED` if the
    /// address sent too many of those; `STORAGE_UNAVAILABLE`.
    pub async fn authenticate(&self, bearer: &str, peer: Option<IpAddr>) -> Result<Principal> {
        let Some(presented) = Presented::parse(bearer) else {
            return Err(self.wrong(peer));
        };
        let known = match self.0.known.get(presented.id).await {
            Some(key) => Some(key),
            None => self.0.store.find_key(presented.id).await?.map(Arc::new),
        };
        let now = self.0.store.clock().now();
        let Some(key) = known.filter(|key| presented.matches(&self.0.store, key) && is_valid(key, now))
        else {
            return Err(self.wrong(peer));
        };
        if !self.0.known.contains_key(presented.id) {
            self.0
                .known
                .insert(presented.id.to_owned(), Arc::clone(&key))
                .await;
        }
        self.0
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.id.clone(), now);
        Ok(principal(&key))
    }

    /// Takes `calls` of a caller's rate, at most a whole burst, or refuses all of them.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the delay.
    pub fn admit(&self, principal: &Principal, calls: NonZeroU32) -> Result<RateState> {
        let Rate { per_second, burst } = self.0.rate;
        let window = Duration::from_secs_f64(f64::from(burst.get()) / f64::from(per_second.get()));
        // Connectors are ours: what they may do is limited by what is owed.
        if matches!(principal.bound(), Bound::Destination(_)) {
            return Ok(RateState {
                limit: burst.get(),
                remaining: burst.get(),
                reset: Duration::ZERO,
                window,
            });
        }
        let taken = self
            .0
            .calls
            .check_key_n(&principal.key_id().to_owned(), calls.min(burst));
        match taken.map_err(Error::internal)? {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = burst.get().saturating_sub(remaining);
                let reset = Duration::from_secs_f64(f64::from(missing) / f64::from(per_second.get()));
                Ok(RateState {
                    limit: burst.get(),
                    remaining,
                    reset,
                    window,
                })
            }
            Err(not_until) => {
                let delay = not_until.wait_time_from(DefaultClock::default().now());
                Err(Error::new(
                    Reason::RateLimited,
                    "the key makes more calls than its rate allows",
                )
                .retry_after(delay))
            }
        }
    }

    /// Notes in the database which keys were used since the last call. For the housekeeper.
    ///
    /// # Errors
    /// The database.
    pub async fn note_use(&self) -> crate::storage::Result<()> {
        let used = std::mem::take(&mut *self.0.used.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.wrong.retain_recent();
        self.0.calls.retain_recent();
        if used.is_empty() {
            return Ok(());
        }
        self.0
            .store
            .touch_keys(&used.into_iter().collect::<Vec<_>>())
            .await
    }

    fn wrong(&self, peer: Option<IpAddr>) -> Error {
        tracing::info!(
            client.address = peer.map(tracing::field::display),
            "credential refused"
        );
        if let Some(peer) = peer
            && let Err(not_until) = self.0.wrong.check_key(&peer)
        {
            let delay = not_until.wait_time_from(DefaultClock::default().now());
            return Error::new(
                Reason::RateLimited,
                "too many wrong credentials came from this address",
            )
            .retry_after(delay);
        }
        Error::new(
            Reason::Unauthenticated,
            "the credential is missing, unknown, expired or revoked",
        )
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("rate", &self.0.rate)
            .finish_non_exhaustive()
    }
}

fn is_valid(key: &Key, now: DateTime<Utc>) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now)
}

fn principal(key: &Key) -> Principal {
    let bound = match (&key.workspace, &key.destination) {
        (Some(workspace), _) => Bound::Workspace(*workspace),
        (None, Some(destination)) => Bound::Destination(destination.clone()),
        (None, None) => Bound::Platform,
    };
    let scopes = key.scopes.iter().filter_map(|name| Scope::parse(name)).collect();
    Principal::new(key.id.clone(), bound, scopes)
}

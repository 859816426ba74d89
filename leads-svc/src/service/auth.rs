//! Authentication: a credential's text to a [`Principal`], and how fast a caller may go on.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use leads_proto::reason::Reason;
use moka::{Expiry, future::Cache};
use uuid::Uuid;

use super::{
    error::{Error, Result},
    keys::Presented,
    principal::{Bound, Principal, Scope},
    sessions::Sessions,
};
use crate::{
    domain::{
        member::Role,
        plan::{Limit, Plan},
    },
    storage::{Store, keys::Key},
};

/// How long a revoked key may still pass; the API promises at most five seconds.
pub(super) const FRESH: Duration = Duration::from_secs(4);
pub(super) const MAX_KEPT: u64 = 100_000;
/// How long it is remembered that there is no key of an id, and that there is one.
const ABSENT: Duration = Duration::from_secs(60);
const PRESENT: Duration = Duration::from_secs(3_600);
/// Longest time in which an address has no wrong credential left: one comes back every second.
const MAX_SPENT: Duration = Duration::from_secs(1);
/// Wrong credentials of one address before it is told to slow down, and how fast that is forgiven.
const WRONG_BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// The same for the wrong secrets of one key, whatever addresses they come from. The right one passes all the time, so
/// that nobody can lock a key by guessing.
const WRONG_KEY_BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
const WRONG_KEY_PER_MINUTE: NonZeroU32 = NonZeroU32::new(12).unwrap();

const WRONG_ADDRESS: &str = "too many wrong credentials came from this address";

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

/// A credential with the role of the member that it belongs to.
struct Known {
    key: Key,
    role: Option<Role>,
}

/// How long it is remembered whether there is a key of an id.
struct Remembered;

impl Expiry<String, bool> for Remembered {
    fn expire_after_create(&self, _id: &String, exists: &bool, _at: Instant) -> Option<Duration> {
        Some(if *exists { PRESENT } else { ABSENT })
    }
}

/// See the module; clones share everything.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    store: Store,
    known: Cache<String, Arc<Known>>,
    sessions: Sessions,
    used: Mutex<HashMap<String, DateTime<Utc>>>,
    calls: CallLimiter,
    rate: Rate,
    /// Ids of which it is known whether there is a key, be it valid or not.
    ids: Cache<String, bool>,
    wrong: DefaultKeyedRateLimiter<IpAddr>,
    /// Addresses that have no wrong credential left, and until when.
    spent: Cache<IpAddr, Instant>,
    wrong_keys: DefaultKeyedRateLimiter<String>,
    plans: Cache<Uuid, Plan>,
    plan_calls: HashMap<Plan, DefaultKeyedRateLimiter<Uuid>>,
}

impl Auth {
    /// Authentication against a store.
    pub fn new(store: Store, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self(Arc::new(Inner {
            store,
            sessions: Sessions::default(),
            known: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(FRESH)
                .build(),
            used: Mutex::default(),
            calls: RateLimiter::keyed(quota).with_middleware(),
            rate,
            ids: Cache::builder()
                .max_capacity(MAX_KEPT)
                .expire_after(Remembered)
                .build(),
            spent: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(MAX_SPENT)
                .build(),
            wrong: RateLimiter::keyed(Quota::per_minute(WRONG_PER_MINUTE).allow_burst(WRONG_BURST)),
            wrong_keys: RateLimiter::keyed(
                Quota::per_minute(WRONG_KEY_PER_MINUTE).allow_burst(WRONG_KEY_BURST),
            ),
            plan_calls: Plan::ALL
                .into_iter()
                .filter_map(|plan| Some((plan, per_minute(plan)?)))
                .collect(),
            plans: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(FRESH)
                .build(),
        }))
    }

    /// Who holds a credential.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, the same whether the key is malformed, unknown, revoked or expired; `RATE_LIMITED` if the
    /// address sent too many of those, or the key met too many wrong secrets; `STORAGE_UNAVAILABLE`.
    pub async fn authenticate(&self, bearer: &str, peer: Option<IpAddr>) -> Result<Principal> {
        let Some(presented) = Presented::parse(bearer) else {
            return Err(self.wrong(peer, None).await);
        };
        let kept = self.0.known.get(presented.id).await;
        let is_kept = kept.is_some();
        let known = match kept {
            Some(known) => known,
            None => Arc::new(self.get(presented.id, peer).await?),
        };
        let now = self.0.store.clock().now();
        if !(presented.matches(&self.0.store, &known.key) && is_valid(&known, now)) {
            return Err(self.wrong(peer, Some(presented.id)).await);
        }
        // Only what was just read: kept again when its time has run out, an ended key would live on.
        if !is_kept {
            self.0
                .known
                .insert(presented.id.to_owned(), Arc::clone(&known))
                .await;
        }
        self.note_key(&known.key.id, now);
        Ok(principal(&known))
    }

    /// The holder of a key, read anew; `None` if the key has ended.
    pub(super) async fn holder(&self, key_id: &str) -> Result<Option<Principal>> {
        let now = self.0.store.clock().now();
        let known = self.find(key_id).await?.filter(|known| is_valid(known, now));
        Ok(known.as_ref().map(principal))
    }

    /// Notes that a key is used, until [`note_use`](Self::note_use) stores it.
    pub(super) fn note_key(&self, id: &str, at: DateTime<Utc>) {
        self.0
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), at);
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The key of an id from the database, which is not asked about ids that an address only invents.
    async fn get(&self, id: &str, peer: Option<IpAddr>) -> Result<Known> {
        match self.0.ids.get(id).await {
            Some(true) => {}
            Some(false) => return Err(self.wrong(peer, None).await),
            None => self.check_address(peer).await?,
        }
        let found = self.find(id).await?;
        self.0.ids.insert(id.to_owned(), found.is_some()).await;
        match found {
            Some(known) => Ok(known),
            None => Err(self.wrong(peer, None).await),
        }
    }

    /// Refuses an address that has no wrong credential left.
    async fn check_address(&self, peer: Option<IpAddr>) -> Result<()> {
        let Some(peer) = peer else { return Ok(()) };
        let until = self.0.spent.get(&peer).await;
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Err(Error::new(Reason::RateLimited, WRONG_ADDRESS).retry_after(left)),
            None => Ok(()),
        }
    }

    async fn find(&self, id: &str) -> Result<Option<Known>> {
        let Some(key) = self.0.store.find_key(id).await? else {
            return Ok(None);
        };
        let role = match (key.workspace, key.member) {
            (Some(workspace), Some(member)) => self.0.store.find_role(workspace, member).await?,
            _ => None,
        };
        Ok(Some(Known { key, role }))
    }

    /// The caller at work in its workspace: a platform key's is the one that the call names.
    ///
    /// # Errors
    /// `NOT_FOUND` if a platform key names a workspace that is not there, `SCOPE_REQUIRED` if another credential names one
    /// that is not its own, `RATE_LIMITED` if the workspace makes more calls than its plan gives, `STORAGE_UNAVAILABLE`.
    pub async fn enter(&self, principal: Principal, named: Option<Uuid>) -> Result<Principal> {
        let principal = match (principal.bound(), named) {
            (Bound::Platform, Some(workspace)) => {
                if self.plan(workspace).await?.is_none() {
                    return Err(Error::not_found("workspace"));
                }
                principal.within(workspace)
            }
            (Bound::Workspace(own), Some(named)) if *own == named => principal,
            (_, None) => principal,
            (Bound::Workspace(_) | Bound::Destination(_), Some(_)) => {
                return Err(Error::new(
                    Reason::ScopeRequired,
                    "only a platform key (pk_…) acts in a workspace that the call names",
                ));
            }
        };
        if let Bound::Workspace(workspace) = principal.bound()
            && let Some(plan) = self.plan(*workspace).await?
            && let Some(calls) = self.0.plan_calls.get(&plan)
            && let Err(not_until) = calls.check_key(workspace)
        {
            let delay = not_until.wait_time_from(DefaultClock::default().now());
            return Err(too_many_calls(plan).retry_after(delay));
        }
        Ok(principal)
    }

    pub(super) async fn plan(&self, workspace: Uuid) -> Result<Option<Plan>> {
        if let Some(plan) = self.0.plans.get(&workspace).await {
            return Ok(Some(plan));
        }
        let plan = self.0.store.find_plan(workspace).await?;
        if let Some(plan) = plan {
            self.0.plans.insert(workspace, plan).await;
        }
        Ok(plan)
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

    /// Notes in the database which keys and sessions were used since the last call. For the housekeeper.
    ///
    /// # Errors
    /// The database.
    pub async fn note_use(&self) -> crate::storage::Result<()> {
        let used = std::mem::take(&mut *self.0.used.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.wrong.retain_recent();
        self.0.wrong_keys.retain_recent();
        self.0.calls.retain_recent();
        self.0.plan_calls.values().for_each(RateLimiter::retain_recent);
        self.0.sessions.note_use(&self.0.store).await?;
        if used.is_empty() {
            return Ok(());
        }
        self.0
            .store
            .touch_keys(&used.into_iter().collect::<Vec<_>>())
            .await
    }

    /// The refusal of a wrong credential; `key_id` is the key's whose secret it lacks, if there is one.
    pub(super) async fn wrong(&self, peer: Option<IpAddr>, key_id: Option<&str>) -> Error {
        tracing::info!(
            client.address = peer.map(tracing::field::display),
            "credential refused"
        );
        let of_address = peer.map(|peer| self.0.wrong.check_key(&peer));
        let of_key = key_id.map(|id| self.0.wrong_keys.check_key(&id.to_owned()));
        if let (Some(peer), Some(Err(not_until))) = (peer, &of_address) {
            let until = Instant::now() + not_until.wait_time_from(DefaultClock::default().now());
            self.0.spent.insert(peer, until).await;
        }
        for (checked, text) in [
            (of_address, WRONG_ADDRESS),
            (of_key, "too many wrong secrets came for this key"),
        ] {
            if let Some(Err(not_until)) = checked {
                let delay = not_until.wait_time_from(DefaultClock::default().now());
                return Error::new(Reason::RateLimited, text).retry_after(delay);
            }
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

/// Calls of a workspace, as its plan limits them.
fn per_minute(plan: Plan) -> Option<DefaultKeyedRateLimiter<Uuid>> {
    let calls = u32::try_from(plan.limit(Limit::CallsPerMinute)?).ok()?;
    Some(RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(calls)?)))
}

fn too_many_calls(plan: Plan) -> Error {
    let limit = Limit::CallsPerMinute;
    let most = plan.limit(limit).unwrap_or_default();
    let raised = plan.raised_by(limit).map_or("", Plan::word);
    let text = format!(
        "the {} plan gives the workspace {most} {}; the {raised} plan gives more",
        plan.word(),
        limit.word()
    );
    Error::new(Reason::RateLimited, text)
        .with("limit", limit.word())
        .with("max", most.to_string())
        .with("plan", plan.word())
        .with("unlocked_by", raised)
}

fn is_valid(Known { key, role }: &Known, now: DateTime<Utc>) -> bool {
    let is_somebodys = key.member.is_none() || role.is_some();
    is_somebodys && key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now)
}

fn principal(Known { key, role }: &Known) -> Principal {
    let bound = match (&key.workspace, &key.destination) {
        (Some(workspace), _) => Bound::Workspace(*workspace),
        (None, Some(destination)) => Bound::Destination(destination.clone()),
        (None, None) => Bound::Platform,
    };
    let of_role = role.map(Scope::of_role);
    let scopes = key
        .scopes
        .iter()
        .filter_map(|name| Scope::parse(name))
        .filter(|scope| of_role.as_ref().is_none_or(|of_role| of_role.contains(scope)))
        .collect();
    let principal = Principal::new(key.id.clone(), bound, scopes);
    match key.member {
        Some(member) => principal.of_member(member),
        None => principal,
    }
}

//! The whole simulated vendor: portals, tokens, script and log, with the switches that tests turn.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use anyhow::{Context, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::Clock;
use super::fault::{Fault, FaultId};
use super::faults::{FaultView, Faults};
use super::log::Log;
use super::options::{HubspotOptions, PortalOptions, TokenOptions};
use super::portal::{Portal, State};
use super::portal_view::{PortalPatch, PortalView};

/// What a token opens.
#[derive(Debug)]
pub(super) struct Grant {
    pub portal: Arc<Portal>,
    pub app: String,
    pub scopes: Vec<String>,
    pub oauth: bool,
}

/// A running HubSpot without its listener; [`super::HubspotServer`] dereferences to it.
#[derive(Debug)]
pub struct Simulation {
    pub(super) clock: Clock,
    pub(super) portals: RwLock<BTreeMap<u64, Arc<Portal>>>,
    pub(super) tokens: RwLock<HashMap<String, Arc<Grant>>>,
    pub(super) faults: Mutex<Faults>,
    pub(super) log: Mutex<Log>,
    pub(super) seq: AtomicU64,
    pub(super) rng: Mutex<StdRng>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    seed: u64,
    history_capacity: usize,
}

impl Simulation {
    pub(super) fn new(options: &HubspotOptions) -> anyhow::Result<Arc<Self>> {
        let simulation = Arc::new(Self {
            clock: Clock::start(),
            portals: RwLock::default(),
            tokens: RwLock::default(),
            faults: Mutex::default(),
            log: Mutex::new(Log::new(options.log_capacity)),
            seq: AtomicU64::new(0),
            rng: Mutex::new(StdRng::seed_from_u64(options.seed)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            seed: options.seed,
            history_capacity: options.history_capacity,
        });
        options
            .portals
            .iter()
            .try_for_each(|portal| simulation.add_portal(portal.clone()))?;
        Ok(simulation)
    }

    /// Opens an account with its tokens.
    ///
    /// # Errors
    /// The account or one of the tokens exists.
    pub fn add_portal(&self, options: PortalOptions) -> anyhow::Result<()> {
        let (id, tokens) = (options.portal_id, options.tokens.clone());
        let state = State::new(options, self.clock, self.seed, self.history_capacity);
        {
            let mut portals = write(&self.portals);
            ensure!(!portals.contains_key(&id), "portal {id} exists");
            portals.insert(
                id,
                Arc::new(Portal {
                    id,
                    state: Mutex::new(state),
                }),
            );
        }
        tokens.into_iter().try_for_each(|token| self.add_token(id, token))
    }

    /// All accounts.
    pub fn portals(&self) -> Vec<PortalView> {
        let portals: Vec<Arc<Portal>> = read(&self.portals).values().cloned().collect();
        let view = |portal: &Arc<Portal>| {
            let state = lock(&portal.state);
            PortalView {
                portal_id: portal.id,
                ui_domain: state.options.ui_domain.clone(),
                burst: state.limits.burst,
                daily_limit: state.limits.daily,
                daily_used: state.limits.daily_used,
                refused: state.limits.refused,
                contacts: state.store.len(),
            }
        };
        portals.iter().map(view).collect()
    }

    /// Changes limits and habits of an account.
    ///
    /// # Errors
    /// There is no such account.
    pub fn patch_portal(&self, portal: u64, patch: &PortalPatch) -> anyhow::Result<()> {
        let portal = self.portal(portal)?;
        let mut state = lock(&portal.state);
        let State { limits, options, .. } = &mut *state;
        limits.burst = patch.burst.unwrap_or(limits.burst);
        limits.daily = patch.daily_limit.unwrap_or(limits.daily);
        limits.per_second = patch.search_per_second.unwrap_or(limits.per_second);
        options.search_lag_ms = patch.search_lag_ms.unwrap_or(options.search_lag_ms);
        options.merge_keeps_primary_id = patch
            .merge_keeps_primary_id
            .unwrap_or(options.merge_keeps_primary_id);
        options.nulls_for_unset = patch.nulls_for_unset.unwrap_or(options.nulls_for_unset);
        if let Some(names) = &patch.required_properties {
            options.required_properties.clone_from(names);
        }
        if let Some(used) = patch.daily_used {
            limits.use_daily(used, self.clock.day(self.clock.now_ms()));
        }
        Ok(())
    }

    /// Issues a credential.
    ///
    /// # Errors
    /// There is no such account, or the token exists.
    pub fn add_token(&self, portal: u64, token: TokenOptions) -> anyhow::Result<()> {
        let grant = Grant {
            portal: self.portal(portal)?,
            app: token.app,
            scopes: token.scopes,
            oauth: token.oauth,
        };
        let mut tokens = write(&self.tokens);
        ensure!(!tokens.contains_key(&token.token), "the token exists");
        tokens.insert(token.token, Arc::new(grant));
        Ok(())
    }

    /// Takes a credential away: from now on it gets 401. False if it was not valid.
    pub fn revoke_token(&self, token: &str) -> bool {
        write(&self.tokens).remove(token).is_some()
    }

    /// Adds a fault to the end of the script.
    ///
    /// # Errors
    /// The fault contradicts itself.
    pub fn inject(&self, fault: Fault) -> anyhow::Result<FaultId> {
        fault.check().map_err(anyhow::Error::msg)?;
        Ok(lock(&self.faults).add(fault))
    }

    /// Removes a fault; requests that it holds stay held. False if there is none.
    pub fn clear_fault(&self, id: FaultId) -> bool {
        lock(&self.faults).clear(id)
    }

    /// Empties the script.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear_all();
    }

    /// The script with what it has done.
    pub fn faults(&self) -> Vec<FaultView> {
        lock(&self.faults).views()
    }

    /// Forgets contacts, properties, counters, script and log; portals and tokens stay.
    pub fn reset(&self) {
        self.clear_faults();
        lock(&self.log).clear();
        for portal in read(&self.portals).values() {
            let mut state = lock(&portal.state);
            let mut fresh = State::new(
                state.options.clone(),
                self.clock,
                self.seed,
                self.history_capacity,
            );
            // Limits that were patched stay; what was counted goes.
            std::mem::swap(&mut fresh.limits, &mut state.limits);
            fresh.limits.reset();
            *state = fresh;
        }
    }

    pub(super) fn portal(&self, id: u64) -> anyhow::Result<Arc<Portal>> {
        read(&self.portals)
            .get(&id)
            .cloned()
            .with_context(|| format!("there is no portal {id}"))
    }
}

/// A panic elsewhere does not make the data unusable for a test double.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

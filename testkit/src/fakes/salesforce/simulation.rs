//! The whole simulated org with the switches that tests turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::analysis::{self, Duplicate, StepBack};
use super::fault::{Fault, FaultId, Script};
use super::ids;
use super::lead::{Conversion, LeadView};
use super::log::{Log, RequestEntry, RequestFilter};
use super::oauth::Tokens;
use super::options::{DuplicateRule, SalesforceOptions};
use super::org::{Org, Write};
use super::query::Cursors;
use super::schema::FieldSpec;

/// A running org without its listener; [`super::SalesforceServer`] dereferences to it.
#[derive(Debug)]
pub struct Simulation {
    pub(super) org: Mutex<Org>,
    pub(super) tokens: Mutex<Tokens>,
    pub(super) script: Mutex<Script>,
    pub(super) log: Mutex<Log>,
    pub(super) cursors: Mutex<Cursors>,
    pub(super) versions: Vec<String>,
    pub(super) used: AtomicU64,
    pub(super) daily_limit: AtomicU64,
    pub(super) seq: AtomicU64,
    pub(super) started: Instant,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Simulation {
    pub(super) fn new(options: &SalesforceOptions) -> Arc<Self> {
        Arc::new(Self {
            org: Mutex::new(Org::new(options)),
            tokens: Mutex::new(Tokens::new(options.apps.clone())),
            script: Mutex::default(),
            log: Mutex::new(Log::new(options.log_capacity)),
            cursors: Mutex::default(),
            versions: options.versions.clone(),
            used: AtomicU64::new(0),
            daily_limit: AtomicU64::new(options.daily_limit),
            seq: AtomicU64::new(0),
            started: Instant::now(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Scripts a fault.
    pub fn inject(&self, fault: Fault) -> FaultId {
        lock(&self.script).add(fault)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock(&self.script).clear();
    }

    /// Each fault with the requests that it met.
    pub fn faults(&self) -> Vec<(FaultId, u64, Fault)> {
        lock(&self.script).list()
    }

    /// The log.
    pub fn requests(&self, filter: &RequestFilter) -> Vec<RequestEntry> {
        lock(&self.log).select(filter)
    }

    /// Empties the log.
    pub fn clear_requests(&self) {
        lock(&self.log).clear();
    }

    /// Every lead, deleted ones included.
    pub fn leads(&self) -> Vec<LeadView> {
        lock(&self.org).leads.values().map(|lead| lead.view()).collect()
    }

    /// The live lead with a value.
    pub fn find_lead_by(&self, field: &str, value: &str) -> Option<LeadView> {
        let org = lock(&self.org);
        let of = |text: &str| text.eq_ignore_ascii_case(value);
        org.leads
            .values()
            .find(|lead| !lead.is_deleted && lead.text(field).is_some_and(of))
            .map(|lead| lead.view())
    }

    /// Creates a field of Lead, or changes the one of that name.
    pub fn define_field(&self, field: FieldSpec) {
        let mut org = lock(&self.org);
        org.fields.retain(|known| known.name != field.name);
        org.fields.push(field);
    }

    /// Removes a field of Lead.
    pub fn remove_field(&self, name: &str) {
        lock(&self.org).fields.retain(|field| field.name != name);
    }

    /// Sets what is done about second leads of an address.
    pub fn set_duplicate_rule(&self, rule: DuplicateRule) {
        lock(&self.org).duplicate_rule = rule;
    }

    /// Makes a lead, or changes one, as a person in the org would.
    ///
    /// # Errors
    /// A rule of the org.
    pub fn edit_lead(&self, id: Option<&str>, values: &Map<String, Value>) -> anyhow::Result<String> {
        let write = Write {
            seq: 0,
            assigns: false,
            saves_duplicates: true,
        };
        let mut org = lock(&self.org);
        let edited = match id {
            Some(id) => org.update(id, values, write).map(|()| id.to_owned()),
            None => org.create(values, write),
        };
        match edited {
            Ok(id) => Ok(id),
            Err(error) => bail!("{}: {}", error.code, error.message),
        }
    }

    /// Moves a lead to the recycle bin, as a person in the org would.
    ///
    /// # Errors
    /// There is none.
    pub fn delete_lead(&self, id: &str) -> anyhow::Result<()> {
        match lock(&self.org).delete(id) {
            Ok(()) => Ok(()),
            Err(error) => bail!("{}: {}", error.code, error.message),
        }
    }

    /// Converts a lead to a contact, an account and an opportunity, as sales does.
    ///
    /// # Errors
    /// There is none, or it was converted before.
    pub fn convert_lead(&self, id: &str) -> anyhow::Result<Conversion> {
        let mut org = lock(&self.org);
        let lead = org.leads.get_mut(id).context("no such lead")?;
        if lead.conversion.is_some() || lead.is_deleted {
            bail!("the lead cannot be converted");
        }
        let n = self.seq.fetch_add(1, Ordering::Relaxed);
        let conversion = Conversion {
            contact: ids::record("003", n),
            account: ids::record("001", n),
            opportunity: ids::record("006", n),
        };
        lead.conversion = Some(conversion.clone());
        Ok(conversion)
    }

    /// Ends every session: access tokens are void, refresh tokens are not.
    pub fn end_sessions(&self) {
        lock(&self.tokens).end_sessions();
    }

    /// Takes an app's right away for good.
    pub fn revoke_app(&self, client_id: &str) {
        lock(&self.tokens).revoke(client_id);
    }

    /// Access tokens that an app was given.
    pub fn tokens_issued(&self, client_id: &str) -> u64 {
        lock(&self.tokens)
            .issued
            .get(client_id)
            .copied()
            .unwrap_or_default()
    }

    /// Sets how many calls of the day are used.
    pub fn set_used(&self, used: u64) {
        self.used.store(used, Ordering::Relaxed);
    }

    /// Calls of the day that are used.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Live leads that share an address.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        analysis::duplicates(lock(&self.org).leads.values())
    }

    /// Writes of ours that went back.
    pub fn steps_back(&self) -> Vec<StepBack> {
        analysis::steps_back(lock(&self.org).leads.values())
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
pub(super) fn unix_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

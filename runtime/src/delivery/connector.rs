//! What a connector has to know about its vendor; the driver does the rest.

use std::fmt;
use std::future::Future;

use leads_proto::leads::connector::v1 as wire;
pub use wire::{ConnectionFacts, LeadSnapshot, TaskKind};

use super::lease::LeaseBudget;
pub use super::outcome::{ItemOutcome, Outcome, TaskOutcome};
pub use crate::quota::{Account, AccountLimits};

/// A vendor.
///
/// Methods may be called concurrently, also for one connection. They must not panic; the process stops if they do.
pub trait Destination: Send + Sync + 'static {
    /// The name in stream keys, metrics and credentials: `[a-z0-9_]`.
    const NAME: &'static str;

    /// Most leads that one vendor call takes.
    fn batch_size(&self) -> usize;

    /// What an account allows that has not told its limits yet.
    fn default_limits(&self) -> AccountLimits;

    /// Writes the snapshots. All items belong to the connection, no two to the same lead. An item that the answer lacks
    /// counts as [`Outcome::Unknown`]; an item for which the lease has no time left is answered with
    /// [`Outcome::NotStarted`], and nothing is sent for it.
    fn write(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> impl Future<Output = Vec<ItemOutcome>> + Send;

    /// Reads the records back by our key: [`Outcome::Verified`], or why they could not be read.
    fn verify(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> impl Future<Output = Vec<ItemOutcome>> + Send;

    /// Archives the records, so that they can be restored: [`Outcome::Gone`], also where there is none. A record that says
    /// it is of a lead which [`WorkItem::lead_ids`] does not name is left alone.
    fn remove(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> impl Future<Output = Vec<ItemOutcome>> + Send;

    /// Deletes the records for good, also those that are archived: [`Outcome::Gone`], also where there is none. A record
    /// that says it is of another lead, or of none, is [`Outcome::Rejected`].
    fn erase(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> impl Future<Output = Vec<ItemOutcome>> + Send;

    /// Looks for records that are to be gone, if `archived` among the archived ones as well: [`Outcome::Verified`] with
    /// one that is there, or with none.
    fn verify_gone(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        archived: bool,
        lease: LeaseBudget,
    ) -> impl Future<Output = Vec<ItemOutcome>> + Send;

    /// Carries out a connection task. Repeating it must do no harm.
    fn connect_task(
        &self,
        connection: &Connection,
        task: &Task,
        lease: LeaseBudget,
    ) -> impl Future<Output = TaskOutcome> + Send;
}

/// A connection task that is ours to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The task.
    pub id: String,
    /// Proves the lease.
    pub lease_token: String,
    /// What to do.
    pub kind: TaskKind,
}

/// A job that is ours to act on.
#[derive(Clone, PartialEq)]
pub struct WorkItem {
    /// The job; also the trace id of the write at vendors that take one.
    pub job_id: String,
    /// Proves the lease.
    pub lease_token: String,
    /// The lead as it is now; only its id if its records are to be gone.
    pub lead: LeadSnapshot,
    /// Records that are to be gone, as far as they are known; there may be another one under our key.
    pub record_ids: Vec<String>,
    /// Leads that such a record may say it is of.
    pub lead_ids: Vec<String>,
    /// How often the job was tried before.
    pub attempt: u32,
    /// Whether the lead is sent alone, since a batch that held it was lost.
    pub solo: bool,
    /// W3C trace context of the change; may be empty.
    pub traceparent: String,
}

/// How to act for a workspace, as leads-svc said within the last 60 seconds.
#[derive(Clone, PartialEq)]
pub struct Connection {
    /// The connection.
    pub id: String,
    /// Credentials, mapping and limits.
    pub settings: wire::GetConnectionResponse,
}

impl Connection {
    /// The account that pays for calls; `default` stands in for limits that are not known yet.
    pub fn account(&self, default: AccountLimits) -> Account {
        let id = if self.settings.account_id.is_empty() {
            format!("connection-{}", self.id)
        } else {
            self.settings.account_id.clone()
        };
        Account {
            id,
            limits: self
                .settings
                .limits
                .as_ref()
                .and_then(AccountLimits::from_wire)
                .unwrap_or(default),
        }
    }
}

/// Shows no credentials.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("workspace_id", &self.settings.workspace_id)
            .field("account_id", &self.settings.account_id)
            .finish_non_exhaustive()
    }
}

/// Shows no personal data.
impl fmt::Debug for WorkItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkItem")
            .field("job_id", &self.job_id)
            .field("lead_id", &self.lead.lead_id)
            .field("revision", &self.lead.revision)
            .field("attempt", &self.attempt)
            .field("solo", &self.solo)
            .finish_non_exhaustive()
    }
}

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

    /// Carries out a connection task. Repeating it must do no harm.
    fn connect_task(
        &self,
        connection: &Connection,
        kind: TaskKind,
        lease: LeaseBudget,
    ) -> impl Future<Output = TaskOutcome> + Send;
}

/// A job that is ours to act on.
#[derive(Clone, PartialEq)]
pub struct WorkItem {
    /// The job; also the trace id of the write at vendors that take one.
    pub job_id: String,
    /// Proves the lease.
    pub lease_token: String,
    /// The lead as it is now.
    pub lead: LeadSnapshot,
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

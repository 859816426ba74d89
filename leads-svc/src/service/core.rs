//! What every use case works with: the store, the workspace's standing facts, and the wake-up of delivery.

use std::{sync::Arc, time::Duration};

use leads_proto::reason::Reason;
use leads_runtime::process::tasks::TaskSet;
use moka::future::Cache;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    error::{Error, Result},
    reads::ReadLog,
    turns::Turns,
    usage::Usage,
    writer::Writer,
};
use crate::{
    domain::{
        plan::{Entitlement, Limit},
        sync::{ConnectionView, Provider, Reason as SyncReason},
        usage::{Counts, Month},
        workspace::Workspace,
    },
    storage::{
        Store,
        connections::{Connection, State},
        crypto::WorkspaceKeys,
    },
};

/// How long a replica may go on with settings that another one has changed.
const FRESH: Duration = Duration::from_secs(1);
/// Workspaces whose facts are kept.
const MAX_KEPT: u64 = 10_000;

/// Shared by all use cases; clones share everything.
#[derive(Debug, Clone)]
pub struct Core {
    /// The database.
    pub store: Store,
    /// Group commit of captures.
    pub writer: Writer,
    /// Turns of people.
    pub turns: Turns,
    /// Who read whose data.
    pub(super) reads: ReadLog,
    /// What is used and not noted yet.
    pub(super) usage: Usage,
    facts: Cache<Uuid, Arc<Facts>>,
    wake: Arc<Notify>,
}

/// What a use case needs to know of its workspace.
#[derive(Debug)]
pub struct Facts {
    /// The workspace.
    pub workspace: Workspace,
    /// Its keys.
    pub keys: Arc<WorkspaceKeys>,
    /// Its connections.
    pub connections: Vec<Connection>,
    /// What it used in a month, if its plan limits that.
    pub used: Option<(Month, Counts)>,
}

impl Facts {
    /// CRMs that the workspace has.
    pub fn connected(&self) -> Vec<Provider> {
        self.connections
            .iter()
            .map(|connection| connection.provider)
            .collect()
    }

    /// The connection to a CRM, as syncs see it.
    pub fn connection(&self, provider: Provider) -> Option<ConnectionView> {
        self.connections
            .iter()
            .find(|connection| connection.provider == provider)
            .map(|connection| ConnectionView {
                id: connection.id,
                provider,
                waiting: if self.workspace.plan.allows(Entitlement::CrmSync) {
                    waiting(connection)
                } else {
                    Some(plan_required())
                },
            })
    }
}

impl Core {
    /// Puts the parts together.
    pub fn new(store: Store, tasks: TaskSet) -> Self {
        Self {
            writer: Writer::new(store.clone(), tasks),
            turns: Turns::default(),
            reads: ReadLog::default(),
            usage: Usage::default(),
            facts: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(FRESH)
                .build(),
            wake: Arc::default(),
            store,
        }
    }

    /// Facts of a workspace, at most a second old.
    ///
    /// # Errors
    /// The database; `NOT_FOUND` if the workspace is gone.
    pub async fn facts(&self, workspace: Uuid) -> Result<Arc<Facts>> {
        if let Some(facts) = self.facts.get(&workspace).await {
            return Ok(facts);
        }
        let found = self
            .store
            .find_workspace(workspace)
            .await?
            .ok_or_else(|| Error::not_found("workspace"))?;
        let used = match found.plan.limit(Limit::CapturesPerMonth) {
            Some(_) => {
                let month = Month::of(self.store.clock().now());
                Some((month, self.store.usage(workspace, month).await?))
            }
            None => None,
        };
        let facts = Arc::new(Facts {
            workspace: found,
            used,
            keys: self.store.workspace_keys(workspace).await?,
            connections: self.store.connections(workspace).await?,
        });
        self.facts.insert(workspace, Arc::clone(&facts)).await;
        Ok(facts)
    }

    /// Makes the next call of [`facts`](Self::facts) read anew.
    pub async fn forget(&self, workspace: Uuid) {
        self.facts.invalidate(&workspace).await;
    }

    /// Tells delivery that something is owed.
    pub fn wake_delivery(&self) {
        self.wake.notify_one();
    }

    /// Fires when something is owed.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

/// Why the syncs of a workspace wait whose plan has none.
fn plan_required() -> SyncReason {
    let plan = Entitlement::CrmSync.unlocked_by().word();
    SyncReason {
        code: Reason::PlanRequired.name().to_owned(),
        message: "the workspace's plan does not have crm_sync".to_owned(),
        hint: format!("the {plan} plan has it; what waits is synced after the change"),
        ..SyncReason::default()
    }
}

/// Why the syncs of a connection wait, if they do.
fn waiting(connection: &Connection) -> Option<SyncReason> {
    match connection.state {
        State::Connected if connection.trips == 0 => None,
        State::Connected => Some(SyncReason {
            code: "RESTING".to_owned(),
            message: "the CRM failed often; it is tried again with one lead at a time".to_owned(),
            hint: "nothing to do unless it lasts; see the CRM's status page".to_owned(),
            ..SyncReason::default()
        }),
        State::Connecting => Some(SyncReason {
            code: "CONNECTING".to_owned(),
            message: "the connection is being checked".to_owned(),
            ..SyncReason::default()
        }),
        State::Paused | State::Failed => connection.problem.clone().or_else(|| {
            Some(SyncReason {
                code: Reason::NotConnected.name().to_owned(),
                message: "the connection does not work".to_owned(),
                hint: "connect the CRM again".to_owned(),
                ..SyncReason::default()
            })
        }),
    }
}

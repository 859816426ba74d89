//! The order of the pipeline: a batch's plan, call by call.

use leads_runtime::delivery::connector::{Task, TaskKind};
use leads_runtime::delivery::{
    Connection, Destination, ItemOutcome, LeaseBudget, Outcome, TaskOutcome, WorkItem,
};
use leads_runtime::quota::AccountLimits;

use crate::api::{BATCH_MAX, Resource, WriteBody};
use crate::connect;
use crate::removal::{self, Errand};
use crate::request::{Plan, Row};
use crate::service::SalesforceApi;

/// Salesforce as the delivery pipeline sees it.
#[derive(Clone)]
pub struct Salesforce {
    api: SalesforceApi,
}

impl Salesforce {
    /// A destination that calls this API.
    pub fn new(api: SalesforceApi) -> Self {
        Self { api }
    }

    async fn do_errand(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
        errand: Errand,
    ) -> Vec<ItemOutcome> {
        match self.api.caller(connection, lease).await {
            Ok(mut caller) => removal::carry_out(&self.api, &mut caller, items, errand).await,
            Err(outcome) => all(items, &outcome),
        }
    }
}

impl Destination for Salesforce {
    const NAME: &'static str = "salesforce";

    fn batch_size(&self) -> usize {
        BATCH_MAX
    }

    fn default_limits(&self) -> AccountLimits {
        self.api.rules().limits()
    }

    async fn write(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        let mut caller = match self.api.caller(connection, lease).await {
            Ok(caller) => caller,
            Err(outcome) => return all(items, &outcome),
        };
        let mut plan = Plan::write(&items, &connection.settings.ui_domain);
        while let Some(rows) = plan.next_step() {
            let calls_before = caller.lease.calls();
            let body = WriteBody::new(rows.iter().map(Row::record));
            let reply = self.api.send(&mut caller, Resource::Upsert, &body).await;
            let calls = caller.lease.calls().saturating_sub(calls_before);
            plan.settle(rows, reply, calls);
        }
        plan.finish()
    }

    async fn verify(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        match self.api.caller(connection, lease).await {
            Ok(mut caller) => {
                let host = &connection.settings.ui_domain;
                removal::verify(&self.api, &mut caller, items, host).await
            }
            Err(outcome) => all(items, &outcome),
        }
    }

    async fn remove(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        self.do_errand(connection, items, lease, Errand::Archive).await
    }

    async fn erase(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        self.do_errand(connection, items, lease, Errand::Erase).await
    }

    /// What is in the recycle bin counts as gone, archived or erased: nothing of the person is in what was erased.
    async fn verify_gone(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        _archived: bool,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        self.do_errand(connection, items, lease, Errand::Look).await
    }

    async fn connect_task(&self, connection: &Connection, task: &Task, lease: LeaseBudget) -> TaskOutcome {
        match task.kind {
            TaskKind::Connect => connect::run(&self.api, connection, task, lease).await,
            TaskKind::Unspecified => connect::unknown_task(),
        }
    }
}

fn all(items: Vec<WorkItem>, outcome: &Outcome) -> Vec<ItemOutcome> {
    items
        .into_iter()
        .map(|item| ItemOutcome {
            job_id: item.job_id,
            outcome: outcome.clone(),
            calls: 0,
        })
        .collect()
}

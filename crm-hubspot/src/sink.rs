//! The order of the pipeline: a batch's plan, call by call.

use leads_proto::leads::connector::v1::get_connection_response::Credentials;
use leads_runtime::delivery::connector::{Task, TaskKind};
use leads_runtime::delivery::{
    Connection, Destination, ItemOutcome, LeaseBudget, Outcome, TaskOutcome, WorkItem,
};
use leads_runtime::quota::AccountLimits;

use crate::api::BATCH_MAX;
use crate::errors::no_token;
use crate::map::Mapping;
use crate::removal::{self, Errand};
use crate::request::{Links, Plan};
use crate::service::{Caller, HubspotApi};
use crate::{connect, limits};

/// HubSpot as the delivery pipeline sees it.
#[derive(Clone)]
pub struct Hubspot {
    api: HubspotApi,
}

impl Hubspot {
    /// A destination that calls this API.
    pub fn new(api: HubspotApi) -> Self {
        Self { api }
    }

    /// `None`: the connection has no token that could be sent.
    fn caller(&self, connection: &Connection, lease: LeaseBudget) -> Option<Caller> {
        let Some(Credentials::Hubspot(secret)) = &connection.settings.credentials else {
            return None;
        };
        let token = secret.access_token.trim();
        let sendable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let account = connection.account(self.default_limits());
        sendable.then(|| Caller {
            token: token.to_owned(),
            account,
            lease,
        })
    }

    async fn carry_out(&self, caller: &Caller, mut plan: Plan) -> Vec<ItemOutcome> {
        while let Some(step) = plan.next_step() {
            let calls_before = caller.lease.calls();
            let reply = self
                .api
                .send(caller, step.call.endpoint(), &step.call.body(&step.rows))
                .await;
            let calls = caller.lease.calls().saturating_sub(calls_before);
            plan.settle(step, reply, calls);
        }
        plan.finish()
    }
}

impl Destination for Hubspot {
    const NAME: &'static str = "hubspot";

    fn batch_size(&self) -> usize {
        BATCH_MAX
    }

    fn default_limits(&self) -> AccountLimits {
        limits::SMALLEST
    }

    async fn write(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        let Some(caller) = self.caller(connection, lease) else {
            return rest(items);
        };
        // What cannot be carried out was reported by `connect`; the rest of the mapping holds.
        let (mapping, _) = Mapping::new(&connection.settings.field_mapping);
        self.carry_out(&caller, Plan::write(&items, &mapping, links(connection)))
            .await
    }

    async fn verify(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        let Some(caller) = self.caller(connection, lease) else {
            return rest(items);
        };
        self.carry_out(&caller, Plan::verify(&items, links(connection)))
            .await
    }

    async fn remove(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        match self.caller(connection, lease) {
            Some(caller) => removal::carry_out(&self.api, &caller, items, Errand::Archive).await,
            None => rest(items),
        }
    }

    async fn erase(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        match self.caller(connection, lease) {
            Some(caller) => removal::carry_out(&self.api, &caller, items, Errand::Erase).await,
            None => rest(items),
        }
    }

    async fn verify_gone(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        archived: bool,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        match self.caller(connection, lease) {
            Some(caller) => removal::carry_out(&self.api, &caller, items, Errand::Look { archived }).await,
            None => rest(items),
        }
    }

    async fn connect_task(&self, connection: &Connection, task: &Task, lease: LeaseBudget) -> TaskOutcome {
        match (task.kind, self.caller(connection, lease)) {
            (TaskKind::Connect, Some(caller)) => {
                connect::run(&self.api, &caller, &connection.settings.field_mapping).await
            }
            (TaskKind::Connect, None) => TaskOutcome::Failed(no_token()),
            (TaskKind::Unspecified, _) => connect::unknown_task(),
        }
    }
}

fn links(connection: &Connection) -> Links {
    Links {
        account_id: connection.settings.account_id.clone(),
        ui_domain: connection.settings.ui_domain.clone(),
    }
}

fn rest(items: Vec<WorkItem>) -> Vec<ItemOutcome> {
    let outcome = Outcome::Paused {
        for_: None,
        reason: no_token(),
    };
    items
        .into_iter()
        .map(|item| ItemOutcome {
            job_id: item.job_id,
            outcome: outcome.clone(),
            calls: 0,
        })
        .collect()
}

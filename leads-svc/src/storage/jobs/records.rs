//! Which records of a CRM are a lead's: the one that it is linked to, and those that it was linked to before.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    domain::sync::Action,
    storage::{
        Store,
        entity::{erasure, lead, sync_job},
        error::Result,
        rows, scope,
    },
};

/// What is to be gone from a CRM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ToGo {
    /// Records.
    pub record_ids: Vec<String>,
    /// Leads that these may say they are of.
    pub lead_ids: Vec<Uuid>,
}

/// The records that a job knows of, the current one first.
pub(in crate::storage) fn known(job: &sync_job::Model) -> Vec<String> {
    std::iter::once(job.external_id.as_str())
        .chain(job.former_ids.split(','))
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The former records of a job that is linked to `now` from now on.
pub(super) fn former(job: &sync_job::Model, now: &str) -> String {
    let ids: Vec<String> = known(job).into_iter().filter(|id| id != now).collect();
    ids.join(",")
}

impl Store {
    /// What is to be gone, by job. A record that the lead shares with the one that stands for the person stays.
    pub(super) async fn records_to_go(
        &self,
        workspace: Uuid,
        jobs: &[sync_job::Model],
    ) -> Result<HashMap<Uuid, ToGo>> {
        let mut to_go = HashMap::new();
        for job in jobs {
            let mut record_ids = known(job);
            let lead_ids = match job.erasure_id {
                Some(erasure) => self.erased_leads(workspace, erasure).await?,
                None => vec![job.lead_id],
            };
            if job.action == Action::Remove.word() {
                let shared = self.records_of_survivor(workspace, job).await?;
                record_ids.retain(|id| !shared.contains(id));
            }
            to_go.insert(job.id, ToGo { record_ids, lead_ids });
        }
        Ok(to_go)
    }

    async fn erased_leads(&self, workspace: Uuid, id: Uuid) -> Result<Vec<Uuid>> {
        let found = scope::select::<erasure::Entity>(workspace)
            .filter(erasure::Column::Id.eq(id))
            .one(self.reader())
            .await?;
        found.map_or_else(
            || Ok(Vec::new()),
            |row| rows::json("erasures.leads", row.id, row.leads),
        )
    }

    async fn records_of_survivor(&self, workspace: Uuid, job: &sync_job::Model) -> Result<HashSet<String>> {
        let survivor: Option<Option<Uuid>> = scope::select::<lead::Entity>(workspace)
            .select_only()
            .column(lead::Column::MergedInto)
            .filter(lead::Column::Id.eq(job.lead_id))
            .into_tuple()
            .one(self.reader())
            .await?;
        let Some(survivor) = survivor.flatten() else {
            return Ok(HashSet::new());
        };
        let records: Vec<String> = scope::select::<sync_job::Entity>(workspace)
            .select_only()
            .column(sync_job::Column::ExternalId)
            .filter(sync_job::Column::LeadId.eq(survivor))
            .filter(sync_job::Column::Provider.eq(job.provider.as_str()))
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(records.into_iter().collect())
    }
}

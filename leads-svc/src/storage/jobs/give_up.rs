//! Jobs that leads-svc gives up by itself, told in the timelines of their leads.

use crate::{
    domain::{
        activity::{Activity, Details, Kind},
        sync::{Action, Reason},
    },
    storage::{
        Store, Transaction,
        entity::{activity, sync_job},
        error::{Error, Result},
        rows,
        scope::Reach,
    },
};

/// Who gives up.
const ACTOR: &str = "leads";

impl Store {
    /// Tells that jobs were given up. Timelines of a workspace whose keys cannot be had stay as they are: the job itself
    /// says why.
    pub(super) async fn tell_given_up(
        &self,
        transaction: &Transaction,
        jobs: &[sync_job::Model],
        reason: &Reason,
    ) -> Result<()> {
        let mut activities = Vec::with_capacity(jobs.len());
        // Who was erased has no timeline.
        for job in jobs.iter().filter(|job| job.action != Action::Erase.word()) {
            let keys = match self.workspace_keys(job.workspace_id).await {
                Ok(keys) => keys,
                Err(Error::Inconsistent { .. }) => continue,
                Err(error) => return Err(error),
            };
            let sealers = self
                .sealers_of_leads(&**transaction, &keys, vec![job.lead_id])
                .await?;
            let activity = Activity {
                id: leads_runtime::ids::new_id(&self.clock),
                kind: Kind::SyncFailed.word().to_owned(),
                actor: ACTOR.to_owned(),
                at: self.clock.now(),
                details: Details {
                    changes: Vec::new(),
                    text: format!("{}: {}", reason.code, reason.message),
                },
            };
            activities.push(rows::activity_row(
                sealers.of_lead(job.lead_id),
                job.workspace_id,
                job.lead_id,
                activity,
            )?);
        }
        transaction
            .insert::<activity::Entity>(Reach::All, activities)
            .await
    }
}

//! Jobs as people see them.

use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    domain::sync::{Action, Job, JobState, Link, Provider, Status},
    storage::{Store, crypto::Opens, entity::sync_job, error::Result, rows, scope},
};

impl Store {
    /// Jobs of some leads, as they are stored.
    pub(in crate::storage) async fn jobs_of(
        &self,
        workspace: Uuid,
        leads: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<sync_job::Model>> {
        Ok(scope::select::<sync_job::Entity>(workspace)
            .filter(scope::among(sync_job::Column::LeadId, leads, self.backend()))
            .all(self.reader())
            .await?)
    }

    /// Jobs of a connection that are not settled, counted up to `most`.
    ///
    /// # Errors
    /// The database.
    pub async fn count_owed(&self, workspace: Uuid, connection: Uuid, most: u64) -> Result<u64> {
        let open = [JobState::Pending, JobState::Published, JobState::Running].map(JobState::word);
        Ok(scope::select::<sync_job::Entity>(workspace)
            .filter(sync_job::Column::ConnectionId.eq(connection))
            .filter(sync_job::Column::State.is_in(open))
            .limit(most)
            .count(self.reader())
            .await?)
    }
}

/// A job as people see it.
pub(in crate::storage) fn job(keys: &impl Opens, row: sync_job::Model) -> Result<(Provider, Job)> {
    let provider = rows::word(
        Provider::parse(&row.provider),
        "sync_jobs.provider",
        row.id,
        &row.provider,
    )?;
    let state = rows::word(JobState::parse(&row.state), "sync_jobs.state", row.id, &row.state)?;
    let action = rows::word(
        Action::parse(&row.action),
        "sync_jobs.action",
        row.id,
        &row.action,
    )?;
    let reason = row
        .reason
        .map(|reason| rows::open_reason(keys, row.id, reason))
        .transpose()?;
    Ok((
        provider,
        Job {
            state,
            action,
            link: Link {
                provider,
                status: Status::Pending,
                external_id: row.external_id,
                url: row.url,
                reason,
                wanted_revision: row.wanted_revision,
                synced_revision: row.synced_revision,
                pending_since: Some(row.first_pending_at),
                synced_at: row.synced_at,
                latency_ms: row.latency_ms,
            },
        },
    ))
}

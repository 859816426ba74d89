//! A change is owed to a CRM.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    domain::sync::{Action, JobState, Lane, Provider},
    storage::{
        Transaction,
        entity::sync_job,
        error::{Error, Result},
        scope,
        transaction::Prior,
    },
};

/// A lead whose newest revision a CRM is owed from now on.
#[derive(Debug, Clone)]
pub struct Want {
    /// Identifier, if the job is new.
    pub id: Uuid,
    /// Through which connection.
    pub connection: Uuid,
    /// Which lead.
    pub lead: Uuid,
    /// Which CRM.
    pub provider: Provider,
    /// Revision that the CRM should have.
    pub revision: i64,
    /// Queue.
    pub lane: Lane,
    /// Trace of the change.
    pub traceparent: String,
    /// Whether the lead has a job for this CRM already.
    pub prior: Prior,
    /// Whether somebody asked for it: then it does not wait for the end of a pause after a failure.
    pub forced: bool,
    /// When.
    pub at: DateTime<Utc>,
}

impl Want {
    pub(in crate::storage) fn into_row(self, workspace: Uuid) -> sync_job::Model {
        sync_job::Model {
            id: self.id,
            workspace_id: workspace,
            connection_id: self.connection,
            lead_id: self.lead,
            provider: self.provider.name().to_owned(),
            action: Action::Upsert.word().to_owned(),
            claimed_action: Action::Upsert.word().to_owned(),
            erasure_id: None,
            state: JobState::Pending.word().to_owned(),
            lane: self.lane.rank(),
            wanted_revision: self.revision,
            synced_revision: 0,
            claimed_revision: 0,
            attempt: 0,
            failing_since: None,
            solo_losses: 0,
            solo: false,
            generation: 0,
            lease_token: None,
            reported_token: None,
            lease_until: None,
            next_at: self.at,
            republish_at: None,
            publish_count: 0,
            unknown_outcome: false,
            verifying: false,
            external_id: String::new(),
            former_ids: String::new(),
            url: String::new(),
            reason: None,
            first_pending_at: self.at,
            synced_at: None,
            latency_ms: 0,
            traceparent: self.traceparent,
        }
    }

    /// Raises what an existing job owes. A job that rested (done or dead) is due at once; one that is on its way takes
    /// the new revision along.
    pub(in crate::storage) async fn apply(
        self,
        transaction: &Transaction,
        workspace: Uuid,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let of_lead = || {
            scope::update::<sync_job::Entity>(workspace)
                .filter(sync_job::Column::LeadId.eq(self.lead))
                .filter(sync_job::Column::Provider.eq(self.provider.name()))
                .filter(sync_job::Column::Action.ne(Action::Erase.word()))
                .col_expr(sync_job::Column::Action, Expr::value(Action::Upsert.word()))
        };
        let resting = [JobState::Done.word(), JobState::Dead.word()];
        // What waited to be verified, or to be removed, has something newer to write.
        let verifying = || {
            Expr::col(sync_job::Column::Verifying)
                .eq(true)
                .or(Expr::col(sync_job::Column::Action).eq(Action::Remove.word()))
        };
        // First what is on its way, then what rests: a report that settles the job between the two statements is seen by
        // the second. The other way round it would leave a settled job that is owed a newer revision.
        let moving = of_lead()
            .filter(sync_job::Column::State.is_not_in(resting))
            .col_expr(sync_job::Column::ConnectionId, Expr::value(self.connection))
            .col_expr(sync_job::Column::WantedRevision, Expr::value(self.revision))
            .col_expr(
                sync_job::Column::Lane,
                Expr::case(
                    Expr::col(sync_job::Column::Lane).gt(self.lane.rank()),
                    Expr::value(self.lane.rank()),
                )
                .finally(Expr::col(sync_job::Column::Lane))
                .into(),
            )
            .col_expr(
                sync_job::Column::NextAt,
                Expr::case(verifying().or(self.forced), Expr::value(now))
                    .finally(Expr::col(sync_job::Column::NextAt))
                    .into(),
            )
            .col_expr(
                sync_job::Column::FirstPendingAt,
                Expr::case(verifying(), Expr::value(now))
                    .finally(Expr::col(sync_job::Column::FirstPendingAt))
                    .into(),
            )
            .col_expr(sync_job::Column::Verifying, Expr::value(false))
            .col_expr(
                sync_job::Column::Traceparent,
                Expr::value(self.traceparent.clone()),
            )
            .exec(&**transaction)
            .await?;
        if moving.rows_affected == 1 {
            return Ok(());
        }
        let woken = of_lead()
            .filter(sync_job::Column::State.is_in(resting))
            .col_expr(sync_job::Column::ConnectionId, Expr::value(self.connection))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
            .col_expr(sync_job::Column::Lane, Expr::value(self.lane.rank()))
            .col_expr(sync_job::Column::WantedRevision, Expr::value(self.revision))
            .col_expr(sync_job::Column::Attempt, Expr::value(0))
            .col_expr(sync_job::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
            .col_expr(sync_job::Column::SoloLosses, Expr::value(0))
            .col_expr(sync_job::Column::Reason, Expr::value(None::<sea_orm::JsonValue>))
            .col_expr(sync_job::Column::PublishCount, Expr::value(0))
            .col_expr(sync_job::Column::NextAt, Expr::value(now))
            .col_expr(sync_job::Column::FirstPendingAt, Expr::value(now))
            .col_expr(sync_job::Column::Verifying, Expr::value(false))
            .col_expr(
                sync_job::Column::Traceparent,
                Expr::value(self.traceparent.clone()),
            )
            .exec(&**transaction)
            .await?;
        if woken.rows_affected == 1 {
            return Ok(());
        }
        Err(Error::Conflict {
            constraint: "sync_jobs_by_lead".to_owned(),
        })
    }
}

//! What was lost comes back: hints that nobody heard, leases that nobody reported on.

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    domain::sync::{JobState, Reason},
    storage::{Store, audit, entity::sync_job, erasures, error::Result, rows, scope},
};

/// Leases lost while alone in a batch after which a job is given up.
const MAX_SOLO_LOSSES: i32 = 3;

/// What a sweep brought back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Hints that nobody heard.
    pub unheard: u64,
    /// Leases that ran out.
    pub expired: u64,
    /// Jobs that were given up since they kill the connector.
    pub poisonous: u64,
}

impl Store {
    /// Brings back what was lost.
    ///
    /// # Errors
    /// The database; the next sweep does it then.
    pub async fn sweep(&self) -> Result<Swept> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let unheard = scope::update_any::<sync_job::Entity>()
            .filter(sync_job::Column::State.eq(JobState::Published.word()))
            .filter(sync_job::Column::RepublishAt.lte(now))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
            .exec(&*transaction)
            .await?;
        let expired = || {
            scope::update_any::<sync_job::Entity>()
                .filter(sync_job::Column::State.eq(JobState::Running.word()))
                .filter(sync_job::Column::LeaseUntil.lte(now))
                .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
                .col_expr(sync_job::Column::UnknownOutcome, Expr::value(true))
        };
        let crash = Reason {
            code: "WORKER_CRASH".to_owned(),
            message: format!(
                "the connector was lost {MAX_SOLO_LOSSES} times while it worked on this lead alone"
            ),
            hint: "look at the connector's logs for this lead, then sync it again".to_owned(),
            ..Reason::default()
        };
        let poisonous = expired()
            .filter(sync_job::Column::Solo.eq(true))
            .filter(sync_job::Column::SoloLosses.gte(MAX_SOLO_LOSSES - 1))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Dead.word()))
            .col_expr(sync_job::Column::Reason, Expr::value(Some(rows::to_json(&crash))))
            .exec_with_returning(&*transaction)
            .await?;
        self.tell_given_up(&transaction, &poisonous, &crash).await?;
        let given_up = erasures::given_up(&transaction, &poisonous, &crash.code, now).await?;
        let lost = expired()
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
            .col_expr(sync_job::Column::NextAt, Expr::value(now))
            .col_expr(
                sync_job::Column::SoloLosses,
                Expr::case(
                    Expr::col(sync_job::Column::Solo).eq(true),
                    Expr::col(sync_job::Column::SoloLosses).add(1),
                )
                .finally(Expr::col(sync_job::Column::SoloLosses))
                .into(),
            )
            .col_expr(sync_job::Column::Solo, Expr::value(true))
            .exec(&*transaction)
            .await?;
        for (workspace, act) in given_up {
            let keys = self.workspace_keys(workspace).await?;
            audit::append(&transaction, &keys, workspace, act, now).await?;
        }
        transaction.commit().await?;
        Ok(Swept {
            unheard: unheard.rows_affected,
            expired: lost.rows_affected,
            poisonous: poisonous.len() as u64,
        })
    }
}

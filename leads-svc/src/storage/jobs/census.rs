//! How much is owed and how connections stand, counted for the operator.

use sea_orm::{
    ColumnTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

use crate::{
    domain::sync::{JobState, Lane, Provider},
    storage::{
        Store,
        entity::{connection, sync_job},
        error::Result,
        scope,
    },
};

/// Jobs of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jobs {
    /// Which CRM.
    pub provider: Provider,
    /// Queue.
    pub lane: Lane,
    /// Every state but done, which would count a workspace's leads.
    pub state: JobState,
    /// How many.
    pub count: u64,
    /// How many of these could go on now, if their connection lets them.
    pub due: u64,
}

/// Connections of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Which CRM.
    pub provider: Provider,
    /// Word of the state.
    pub state: String,
    /// How many.
    pub count: u64,
    /// How many of these rest since the CRM failed often.
    pub resting: u64,
}

impl Store {
    /// Jobs that are not done, of all workspaces, in one statement.
    ///
    /// # Errors
    /// The database.
    pub async fn count_jobs(&self) -> Result<Vec<Jobs>> {
        let counted = [
            JobState::Pending,
            JobState::Published,
            JobState::Running,
            JobState::Dead,
        ];
        let is_due = Expr::col(sync_job::Column::NextAt).lte(self.clock.now());
        let rows = scope::select_any::<sync_job::Entity>()
            .select_only()
            .column(sync_job::Column::Provider)
            .column(sync_job::Column::Lane)
            .column(sync_job::Column::State)
            .column_as(sync_job::Column::Id.count(), "jobs")
            .column_as(how_many(is_due), "due")
            .filter(sync_job::Column::State.is_in(counted.map(JobState::word)))
            .group_by(sync_job::Column::Provider)
            .group_by(sync_job::Column::Lane)
            .group_by(sync_job::Column::State)
            .into_tuple::<(String, i16, String, i64, i64)>()
            .all(self.reader())
            .await?;
        let jobs = rows
            .into_iter()
            .filter_map(|(provider, lane, state, count, due)| {
                Some(Jobs {
                    provider: Provider::parse(&provider)?,
                    lane: Lane::from_rank(lane),
                    state: JobState::parse(&state)?,
                    count: count.unsigned_abs(),
                    due: due.unsigned_abs(),
                })
            });
        Ok(jobs.collect())
    }

    /// Connections of all workspaces, in one statement.
    ///
    /// # Errors
    /// The database.
    pub async fn count_connections(&self) -> Result<Vec<Connections>> {
        let rests = Expr::col(connection::Column::RestingUntil).gt(self.clock.now());
        let rows = scope::select_any::<connection::Entity>()
            .select_only()
            .column(connection::Column::Provider)
            .column(connection::Column::State)
            .column_as(connection::Column::Id.count(), "connections")
            .column_as(how_many(rests), "resting")
            .group_by(connection::Column::Provider)
            .group_by(connection::Column::State)
            .into_tuple::<(String, String, i64, i64)>()
            .all(self.reader())
            .await?;
        let connections = rows.into_iter().filter_map(|(provider, state, count, resting)| {
            Some(Connections {
                provider: Provider::parse(&provider)?,
                state,
                count: count.unsigned_abs(),
                resting: resting.unsigned_abs(),
            })
        });
        Ok(connections.collect())
    }
}

/// How many rows of a group hold this.
fn how_many(condition: SimpleExpr) -> SimpleExpr {
    Expr::expr(Expr::case(condition, Expr::value(1)).finally(Expr::value(0))).sum()
}

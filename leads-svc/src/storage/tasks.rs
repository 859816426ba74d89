//! Connection tasks: what only a connector can do with a vendor.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use uuid::Uuid;

use super::{
    Store, Transaction,
    connections::{Facts, State},
    consents::lacked_consent,
    entity::{connection, connection_task, sync_job},
    error::Result,
    jobs::report::Receipt,
    rows, scope,
};
use crate::domain::sync::{JobState, Lane, Provider, Reason};

const CONNECT: &str = "connect";
/// Tries of a check before it counts as failed.
const MAX_ATTEMPTS: i32 = 5;

/// Tasks that are hinted at once.
const MAX_HINTED: u64 = 100;

/// A task with its lease.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The task.
    pub id: Uuid,
    /// Proves the lease.
    pub token: Uuid,
    /// Which connection.
    pub connection: Uuid,
}

/// What became of a task.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The connection works.
    Connected(Facts),
    /// It does not, and a person has to act.
    Failed(Reason),
    /// The vendor could not be asked.
    Retry {
        /// Why.
        reason: Reason,
        /// The vendor's wish for a pause.
        after: Option<Duration>,
    },
}

/// Owes a check of a connection; an older check of it is void from then on.
pub(super) async fn owe_check(
    transaction: &Transaction,
    workspace: Uuid,
    connection: Uuid,
    provider: Provider,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    scope::delete::<connection_task::Entity>(workspace)
        .filter(connection_task::Column::ConnectionId.eq(connection))
        .exec(&**transaction)
        .await?;
    let row = connection_task::Model {
        id,
        workspace_id: workspace,
        connection_id: connection,
        provider: provider.name().to_owned(),
        kind: CONNECT.to_owned(),
        state: "pending".to_owned(),
        attempt: 0,
        next_at: now,
        lease_token: None,
        reported_token: None,
        lease_until: None,
        created_at: now,
    };
    transaction.insert::<connection_task::Entity>(vec![row]).await
}

impl Store {
    /// Due tasks of a destination with their workspaces, for their stream entries.
    ///
    /// # Errors
    /// The database.
    pub async fn due_tasks(&self, provider: Provider) -> Result<Vec<(Uuid, Uuid)>> {
        Ok(scope::select_any::<connection_task::Entity>()
            .select_only()
            .columns([connection_task::Column::Id, connection_task::Column::WorkspaceId])
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .filter(connection_task::Column::State.eq("pending"))
            .filter(connection_task::Column::NextAt.lte(self.clock.now()))
            .limit(MAX_HINTED)
            .into_tuple()
            .all(self.reader())
            .await?)
    }

    /// Takes due tasks of a destination.
    ///
    /// # Errors
    /// The database; nothing is taken then.
    pub async fn claim_tasks(&self, provider: Provider, most: u64, lease: Duration) -> Result<Vec<Leased>> {
        let now = self.clock.now();
        let token = leads_runtime::ids::new_id(&self.clock);
        let transaction = self.begin().await?;
        let due: Vec<Uuid> = scope::select_any::<connection_task::Entity>()
            .select_only()
            .column(connection_task::Column::Id)
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .filter(connection_task::Column::State.eq("pending"))
            .filter(connection_task::Column::NextAt.lte(now))
            .order_by_asc(connection_task::Column::NextAt)
            .limit(most)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .into_tuple()
            .all(&*transaction)
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let taken = scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.is_in(due))
            .filter(connection_task::Column::State.eq("pending"))
            .col_expr(connection_task::Column::State, Expr::value("running"))
            .col_expr(connection_task::Column::LeaseToken, Expr::value(Some(token)))
            .col_expr(
                connection_task::Column::LeaseUntil,
                Expr::value(Some(now + lease)),
            )
            .col_expr(
                connection_task::Column::Attempt,
                Expr::col(connection_task::Column::Attempt).add(1),
            )
            .exec_with_returning(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(taken
            .into_iter()
            .map(|row| Leased {
                id: row.id,
                token,
                connection: row.connection_id,
            })
            .collect())
    }

    /// Records what became of a task, and with it the state of the connection.
    ///
    /// # Errors
    /// The database; nothing is recorded then, and the same report may come again.
    pub async fn report_task(
        &self,
        provider: Provider,
        id: Uuid,
        token: Uuid,
        outcome: Outcome,
    ) -> Result<Receipt> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let task = scope::select_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.eq(id))
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .one(&*transaction)
            .await?;
        let Some(task) = task else {
            return Ok(Receipt::Gone);
        };
        if task.reported_token == Some(token) {
            return Ok(Receipt::Recorded);
        }
        if task.lease_token != Some(token) {
            return Ok(Receipt::LeaseLost);
        }
        let outcome = match outcome {
            Outcome::Retry { reason, .. } if task.attempt >= MAX_ATTEMPTS => Outcome::Failed(reason),
            other => other,
        };
        let (state, next_at) = match &outcome {
            Outcome::Connected(_) => ("done", task.next_at),
            Outcome::Failed(_) => ("failed", task.next_at),
            Outcome::Retry { after, .. } => (
                "pending",
                now + after
                    .unwrap_or_default()
                    .max(Duration::from_secs(1 << task.attempt.clamp(0, 6))),
            ),
        };
        let changed = scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.eq(id))
            .filter(connection_task::Column::LeaseToken.eq(token))
            .col_expr(connection_task::Column::State, Expr::value(state))
            .col_expr(connection_task::Column::NextAt, Expr::value(next_at))
            .col_expr(connection_task::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(connection_task::Column::ReportedToken, Expr::value(Some(token)))
            .exec(&*transaction)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(Receipt::LeaseLost);
        }
        settle(&transaction, task.connection_id, &outcome, now).await?;
        transaction.commit().await?;
        Ok(Receipt::Recorded)
    }

    /// Brings back tasks whose lease ran out.
    ///
    /// # Errors
    /// The database; the next sweep does it then.
    pub async fn sweep_tasks(&self) -> Result<u64> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let swept = scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::State.eq("running"))
            .filter(connection_task::Column::LeaseUntil.lte(now))
            .col_expr(connection_task::Column::State, Expr::value("pending"))
            .col_expr(connection_task::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(connection_task::Column::NextAt, Expr::value(now))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(swept.rows_affected)
    }
}

/// A connection works: what had been given up, unless for the lack of consent, is tried once more, and everything is owed to an account that is another
/// one than before.
async fn owe_again(transaction: &Transaction, id: Uuid, account: &str, now: DateTime<Utc>) -> Result<()> {
    let known = scope::select_any::<connection::Entity>()
        .filter(connection::Column::Id.eq(id))
        .one(&**transaction)
        .await?;
    let moved = known.is_some_and(|row| !row.account_id.is_empty() && row.account_id != account);
    let of_connection = || {
        scope::update_any::<sync_job::Entity>()
            .filter(sync_job::Column::ConnectionId.eq(id))
            .filter(lacked_consent(transaction.get_database_backend()).not())
            .col_expr(sync_job::Column::Attempt, Expr::value(0))
            .col_expr(sync_job::Column::NextAt, Expr::value(now))
            .col_expr(sync_job::Column::FirstPendingAt, Expr::value(now))
            .col_expr(sync_job::Column::Lane, Expr::value(Lane::Bulk.rank()))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
    };
    of_connection()
        .filter(sync_job::Column::State.eq(JobState::Dead.word()))
        .exec(&**transaction)
        .await?;
    if moved {
        of_connection()
            .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(sync_job::Column::SyncedRevision, Expr::value(0))
            .col_expr(sync_job::Column::ExternalId, Expr::value(""))
            .col_expr(sync_job::Column::Url, Expr::value(""))
            .exec(&**transaction)
            .await?;
    }
    Ok(())
}

async fn settle(transaction: &Transaction, id: Uuid, outcome: &Outcome, now: DateTime<Utc>) -> Result<()> {
    if let Outcome::Connected(facts) = outcome {
        owe_again(transaction, id, &facts.account_id, now).await?;
    }
    let mut update = scope::update_any::<connection::Entity>().filter(connection::Column::Id.eq(id));
    match outcome {
        Outcome::Connected(facts) => {
            update = update
                .col_expr(connection::Column::State, Expr::value(State::Connected.word()))
                .col_expr(
                    connection::Column::Problem,
                    Expr::value(None::<sea_orm::JsonValue>),
                )
                .col_expr(
                    connection::Column::AccountId,
                    Expr::value(facts.account_id.clone()),
                )
                .col_expr(connection::Column::UiDomain, Expr::value(facts.ui_domain.clone()))
                .col_expr(
                    connection::Column::Limits,
                    Expr::value(facts.limits.as_ref().map(rows::to_json)),
                )
                .col_expr(
                    connection::Column::PausedUntil,
                    Expr::value(None::<DateTime<Utc>>),
                )
                .col_expr(
                    connection::Column::RestingUntil,
                    Expr::value(None::<DateTime<Utc>>),
                )
                .col_expr(connection::Column::Trips, Expr::value(0))
                .col_expr(connection::Column::BackfillAt, Expr::value(Some(now)))
                .col_expr(connection::Column::Backfills, Expr::value(0));
        }
        Outcome::Failed(reason) => {
            update = update
                .col_expr(connection::Column::State, Expr::value(State::Failed.word()))
                .col_expr(
                    connection::Column::Problem,
                    Expr::value(Some(rows::to_json(reason))),
                );
        }
        Outcome::Retry { reason, .. } => {
            update = update.col_expr(
                connection::Column::Problem,
                Expr::value(Some(rows::to_json(reason))),
            );
        }
    }
    update
        .col_expr(connection::Column::CheckedAt, Expr::value(Some(now)))
        .exec(&**transaction)
        .await?;
    Ok(())
}

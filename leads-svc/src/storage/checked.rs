//! What a check makes of its connection.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    Transaction, audit,
    connections::{Facts, State, next_version, seal_problem},
    consents::{cancel_withheld, lacked_consent},
    crypto::WorkspaceKeys,
    entity::{connection, connection_task, sync_job},
    erasures,
    error::Result,
    rows, scope,
};
use crate::domain::{
    erasure::ACCOUNT_CHANGED,
    sync::{Action, JobState, Lane, Reason},
    workspace::Settings,
};

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

/// Carries out what a report says of a connection. Credentials that were checked take the place of the ones that were
/// used before; if they do not work, a connection that works stays as it is.
pub(super) async fn settle(
    transaction: &Transaction,
    keys: &WorkspaceKeys,
    settings: &Settings,
    task: connection_task::Model,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let known = scope::select_any::<connection::Entity>()
        .filter(connection::Column::Id.eq(task.connection_id))
        .lock_exclusive()
        .one(&**transaction)
        .await?;
    let Some(known) = known else { return Ok(()) };
    let mut update = scope::update_any::<connection::Entity>()
        .filter(connection::Column::Id.eq(known.id))
        .col_expr(connection::Column::CheckedAt, Expr::value(Some(now)));
    let mut ended = Vec::new();
    match outcome {
        Outcome::Connected(facts) => {
            let moved = !known.account_id.is_empty() && known.account_id != facts.account_id;
            if moved {
                ended = erasures::unreachable(transaction, known.id, ACCOUNT_CHANGED, now).await?;
            } else {
                erasures::reopen(transaction, known.id).await?;
            }
            owe_again(transaction, known.id, moved, now).await?;
            cancel_withheld(transaction, known.workspace_id, settings, now).await?;
            if let (Some(sealed), Some(mapping)) = (task.sealed, task.field_mapping) {
                update = update
                    .col_expr(connection::Column::Sealed, Expr::value(sealed))
                    .col_expr(connection::Column::FieldMapping, Expr::value(mapping));
            }
            update = works(update, facts, now);
        }
        Outcome::Failed(reason) if known.state == State::Connecting.word() => {
            let problem = seal_problem(keys, known.id, reason)?;
            update = update
                .col_expr(connection::Column::State, Expr::value(State::Failed.word()))
                .col_expr(connection::Column::ProblemSealed, Expr::value(Some(problem)));
        }
        Outcome::Failed(_) | Outcome::Retry { .. } => {}
    }
    update.exec(&**transaction).await?;
    for (workspace, act) in ended {
        audit::append(transaction, keys, workspace, act, now).await?;
    }
    Ok(())
}

fn works(
    update: sea_orm::UpdateMany<connection::Entity>,
    facts: &Facts,
    now: DateTime<Utc>,
) -> sea_orm::UpdateMany<connection::Entity> {
    let never = || Expr::value(None::<DateTime<Utc>>);
    update
        .col_expr(connection::Column::State, Expr::value(State::Connected.word()))
        .col_expr(connection::Column::ProblemSealed, Expr::value(None::<Vec<u8>>))
        .col_expr(
            connection::Column::AccountId,
            Expr::value(facts.account_id.clone()),
        )
        .col_expr(connection::Column::UiDomain, Expr::value(facts.ui_domain.clone()))
        .col_expr(
            connection::Column::Limits,
            Expr::value(facts.limits.as_ref().map(rows::to_json)),
        )
        .col_expr(connection::Column::PausedUntil, never())
        .col_expr(connection::Column::RestingUntil, never())
        .col_expr(connection::Column::Trips, Expr::value(0))
        .col_expr(connection::Column::Version, next_version())
        // A session of the credentials that were replaced is not to come back.
        .col_expr(connection::Column::RefreshLease, Expr::value(None::<Uuid>))
        .col_expr(connection::Column::RefreshUntil, never())
        .col_expr(connection::Column::BackfillAt, Expr::value(Some(now)))
        .col_expr(connection::Column::Backfills, Expr::value(0))
        .col_expr(connection::Column::BackfillTime, never())
        .col_expr(connection::Column::BackfillLead, Expr::value(None::<Uuid>))
}

/// What had been given up, unless for the lack of consent, is tried once more, and what failed before does not count any
/// more; everything is owed to an account that is another one than before.
async fn owe_again(transaction: &Transaction, id: Uuid, moved: bool, now: DateTime<Utc>) -> Result<()> {
    let of_connection = || {
        scope::update_any::<sync_job::Entity>()
            .filter(sync_job::Column::ConnectionId.eq(id))
            .filter(sync_job::Column::Action.ne(Action::Erase.word()))
    };
    if moved {
        // What was written, or may still be, is in the other account.
        of_connection()
            .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(sync_job::Column::SyncedRevision, Expr::value(0))
            .col_expr(sync_job::Column::UnknownOutcome, Expr::value(false))
            .col_expr(sync_job::Column::Verifying, Expr::value(false))
            .col_expr(sync_job::Column::ExternalId, Expr::value(""))
            .col_expr(sync_job::Column::FormerIds, Expr::value(""))
            .col_expr(sync_job::Column::Url, Expr::value(""))
            .exec(&**transaction)
            .await?;
    }
    let anew = |jobs: sea_orm::UpdateMany<sync_job::Entity>| {
        jobs.col_expr(sync_job::Column::Attempt, Expr::value(0))
            .col_expr(sync_job::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
    };
    let given_up = sync_job::Column::State.eq(JobState::Dead.word());
    anew(of_connection())
        .filter(given_up.clone().not())
        .filter(sync_job::Column::Attempt.gt(0))
        .exec(&**transaction)
        .await?;
    let mut owed = anew(of_connection())
        .filter(lacked_consent(transaction.get_database_backend()).not())
        .col_expr(sync_job::Column::NextAt, Expr::value(now))
        .col_expr(sync_job::Column::FirstPendingAt, Expr::value(now))
        .col_expr(sync_job::Column::Lane, Expr::value(Lane::Bulk.rank()))
        .col_expr(sync_job::Column::Reason, Expr::value(None::<sea_orm::JsonValue>))
        .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()));
    if !moved {
        owed = owed.filter(given_up);
    }
    owed.exec(&**transaction).await?;
    Ok(())
}

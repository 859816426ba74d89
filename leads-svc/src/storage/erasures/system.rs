//! The receipts of this service's own systems: rows are counted again, hints are looked for on the streams.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, Condition, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::receipts::act;
use crate::{
    domain::{
        erasure::{DATABASE, ROWS_LEFT, STREAMS, State},
        sync::Action,
    },
    storage::{
        Store, audit,
        entity::{
            activity, consent, contact, erasure, erasure_receipt, idempotency, identity, lead, merge,
            message, score, sync_job,
        },
        error::Result,
        rows, scope,
    },
};

const ACTOR: &str = "system:erasure";
/// Receipts of one look.
const BATCH: u64 = 50;
/// A publisher that marked a job before the deletion has told its hint, or failed to, by then.
const HINTS_LATE: TimeDelta = TimeDelta::seconds(2);

/// A hint of a job, up to a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The job, as entries name it.
    pub job: String,
    /// Its newest publication when the person was erased.
    pub generation: i64,
}

/// Hints that are to leave the streams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints(pub Vec<Hint>);

/// A receipt that waits for a look at its system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The erasure.
    pub erasure: Uuid,
    /// Whose.
    pub workspace: Uuid,
    /// What is to leave the streams.
    pub hints: Hints,
}

impl Store {
    /// Counts the rows of erased people again whose receipt of the database is still open; returns how many people.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn confirm_deletions(&self) -> Result<usize> {
        let waiting = self.waiting(DATABASE, self.clock.now()).await?;
        for Waiting {
            erasure, workspace, ..
        } in &waiting
        {
            self.confirm_deletion(*workspace, *erasure).await?;
        }
        Ok(waiting.len())
    }

    /// Counts the rows of an erased person again once the person's keys are destroyed, and writes the receipt of the
    /// database.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn confirm_deletion(&self, workspace: Uuid, id: Uuid) -> Result<()> {
        let row = scope::select::<erasure::Entity>(workspace)
            .filter(erasure::Column::Id.eq(id))
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(()) };
        let leads: Vec<Uuid> = rows::json("erasures.leads", id, row.leads)?;
        let contacts: Vec<Uuid> = rows::json("erasures.contacts", id, row.contacts)?;
        // What backups hold of the person can be opened until then.
        if self.has_former_keys(workspace, &contacts).await? {
            return Ok(());
        }
        let left = self.rows_left(workspace, &leads, &contacts).await?;
        let reason = if left == 0 { "" } else { ROWS_LEFT };
        if left > 0 {
            tracing::error!(erasure.id = %id, rows = left, "rows of an erased person are left");
        }
        self.settle_receipt(workspace, id, DATABASE, 0, reason).await
    }

    /// Erasures whose hints may still be on the streams.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn hints_to_withdraw(&self) -> Result<Vec<Waiting>> {
        self.waiting(STREAMS, self.clock.now() - HINTS_LATE).await
    }

    /// Notes that no hint is left of an erasure, of which `removed` were taken away.
    ///
    /// # Errors
    /// The database.
    pub async fn confirm_streams(&self, waiting: &Waiting, removed: u64) -> Result<()> {
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        self.settle_receipt(waiting.workspace, waiting.erasure, STREAMS, removed, "")
            .await
    }

    async fn waiting(&self, system: &str, until: DateTime<Utc>) -> Result<Vec<Waiting>> {
        scope::select_any::<erasure_receipt::Entity>()
            .filter(erasure_receipt::Column::System.eq(system))
            .filter(erasure_receipt::Column::State.eq(State::Pending.word()))
            .filter(erasure_receipt::Column::RequestedAt.lte(until))
            .order_by_asc(erasure_receipt::Column::RequestedAt)
            .limit(BATCH)
            .all(self.reader())
            .await?
            .into_iter()
            .map(|row| {
                Ok(Waiting {
                    erasure: row.erasure_id,
                    workspace: row.workspace_id,
                    hints: rows::json("erasure_receipts.hints", row.erasure_id, row.hints)?,
                })
            })
            .collect()
    }

    /// Settles a receipt that is open, once, with what was removed beside what it says already.
    async fn settle_receipt(
        &self,
        workspace: Uuid,
        id: Uuid,
        system: &str,
        removed: i64,
        reason: &str,
    ) -> Result<()> {
        let now = self.clock.now();
        let records = Expr::col(erasure_receipt::Column::Records);
        let state = if reason.is_empty() {
            Expr::case(
                records.clone().add(removed).gt(0),
                Expr::value(State::Erased.word()),
            )
            .finally(Expr::value(State::NotPresent.word()))
            .into()
        } else {
            Expr::value(State::Failed.word())
        };
        let transaction = self.begin().await?;
        let settled = scope::update::<erasure_receipt::Entity>(workspace)
            .filter(erasure_receipt::Column::ErasureId.eq(id))
            .filter(erasure_receipt::Column::System.eq(system))
            .filter(erasure_receipt::Column::State.eq(State::Pending.word()))
            .col_expr(erasure_receipt::Column::State, state)
            .col_expr(erasure_receipt::Column::Reason, Expr::value(reason))
            .col_expr(erasure_receipt::Column::Records, records.add(removed))
            .col_expr(
                erasure_receipt::Column::Hints,
                Expr::value(rows::to_json(&Hints::default())),
            )
            .col_expr(
                erasure_receipt::Column::DoneAt,
                Expr::col(erasure_receipt::Column::DoneAt).if_null(now),
            )
            .col_expr(erasure_receipt::Column::VerifiedAt, Expr::value(Some(now)))
            .exec_with_returning(&*transaction)
            .await?;
        let keys = self.workspace_keys(workspace).await?;
        for row in &settled {
            audit::append(&transaction, &keys, workspace, act(ACTOR, row), now).await?;
        }
        transaction.commit().await
    }

    async fn rows_left(&self, workspace: Uuid, leads: &[Uuid], contacts: &[Uuid]) -> Result<u64> {
        let (leads, contacts) = (|| leads.iter().copied(), || contacts.iter().copied());
        let reader = self.reader();
        let of_leads = scope::select::<lead::Entity>(workspace)
            .filter(lead::Column::Id.is_in(leads()))
            .count(reader)
            .await?
            + scope::select::<activity::Entity>(workspace)
                .filter(activity::Column::LeadId.is_in(leads()))
                .count(reader)
                .await?
            + scope::select::<score::Entity>(workspace)
                .filter(score::Column::LeadId.is_in(leads()))
                .count(reader)
                .await?
            + scope::select::<merge::Entity>(workspace)
                .filter(
                    Condition::any()
                        .add(merge::Column::SurvivorLead.is_in(leads()))
                        .add(merge::Column::AbsorbedLead.is_in(leads())),
                )
                .count(reader)
                .await?
            + scope::select::<sync_job::Entity>(workspace)
                .filter(sync_job::Column::LeadId.is_in(leads()))
                .filter(sync_job::Column::Action.ne(Action::Erase.word()))
                .count(reader)
                .await?;
        let of_contacts = scope::select::<contact::Entity>(workspace)
            .filter(contact::Column::Id.is_in(contacts()))
            .count(reader)
            .await?
            + scope::select::<message::Entity>(workspace)
                .filter(message::Column::ContactId.is_in(contacts()))
                .count(reader)
                .await?
            + scope::select::<consent::Entity>(workspace)
                .filter(consent::Column::ContactId.is_in(contacts()))
                .count(reader)
                .await?
            + scope::select::<identity::Entity>(workspace)
                .filter(identity::Column::ContactId.is_in(contacts()))
                .count(reader)
                .await?
            + scope::select::<idempotency::Entity>(workspace)
                .filter(idempotency::Column::ContactId.is_in(contacts()))
                .count(reader)
                .await?;
        Ok(of_leads + of_contacts)
    }
}

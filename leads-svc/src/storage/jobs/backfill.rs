//! Leads that are to be synced and have no job that says so: after a connection was made, or the settings were changed.
//!
//! Stored: in the connection, when a look is due and how far it got. Moves: a step finds some leads behind that place on
//! a reader, then owes them and moves the place in one short transaction. Holds: a step counts only if nobody moved the
//! place or asked anew since it began; what a step owes is the revision that the lead has then.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement, SimpleExpr},
};
use uuid::Uuid;

use super::write::Want;
use crate::{
    domain::{
        sync::{Lane, Provider},
        workspace::Settings,
    },
    storage::{
        Store, Transaction,
        connections::State,
        entity::{connection, contact, lead, sync_job},
        error::{Error, Result},
        rows, scope,
        standings::withheld,
        transaction::Prior,
    },
};

/// Leads of one step.
const STEP: u64 = 100;
/// Looks after a change: one at once, one after every transaction that had not seen the change has ended.
const LOOKS: i32 = 2;
const BETWEEN_LOOKS: Duration = Duration::from_secs(30);
/// Pause of a look whose step failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A look through the leads of a connection's workspace, and how far it got.
#[derive(Debug, Clone)]
pub struct Look {
    /// Whose leads.
    pub workspace: Uuid,
    /// Which connection they are owed to.
    pub connection: Uuid,
    provider: Provider,
    asked_at: DateTime<Utc>,
    after: Option<Place>,
}

impl Look {
    /// Whether it has not got anywhere yet.
    pub fn is_at_start(&self) -> bool {
        self.after.is_none()
    }
}

/// A lead in the order of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    captured_at: DateTime<Utc>,
    lead: Uuid,
}

impl Store {
    /// The look that has waited longest, if one is due.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_due_look(&self) -> Result<Option<Look>> {
        let row = scope::select_any::<connection::Entity>()
            .filter(connection::Column::BackfillAt.lte(self.clock.now()))
            .filter(connection::Column::State.is_in([State::Connected.word(), State::Paused.word()]))
            .order_by_asc(connection::Column::BackfillAt)
            .limit(1)
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Look {
            workspace: row.workspace_id,
            connection: row.id,
            provider: rows::word(
                Provider::parse(&row.provider),
                "connections.provider",
                row.id,
                &row.provider,
            )?,
            asked_at: row.backfill_at.unwrap_or_default(),
            after: row
                .backfill_time
                .zip(row.backfill_lead)
                .map(|(captured_at, lead)| Place { captured_at, lead }),
        }))
    }

    /// The next leads, at most 100, that qualify and have no job, or whose job is not this connection's or wants less
    /// than they have; not those that the consent policy withholds. None: the look is through.
    ///
    /// # Errors
    /// The database.
    pub async fn leads_to_owe(&self, look: &Look, settings: &Settings) -> Result<Vec<Place>> {
        let withheld = withheld(self.reader(), look.workspace, settings, self.clock.now()).await?;
        let mut select = scope::select::<lead::Entity>(look.workspace)
            .select_only()
            .columns([lead::Column::CapturedAt, lead::Column::Id])
            .filter(lead::Column::MergedInto.is_null())
            .filter(is_owed(look, settings))
            .filter(withheld.not())
            .order_by_asc(lead::Column::CapturedAt)
            .order_by_asc(lead::Column::Id)
            .limit(STEP);
        if let Some(Place { captured_at, lead }) = look.after {
            let place = Expr::tuple([
                Expr::col((lead::Entity, lead::Column::CapturedAt)),
                Expr::col((lead::Entity, lead::Column::Id)),
            ]);
            let after = Expr::tuple([Expr::value(captured_at), Expr::value(lead)]);
            select = select.filter(place.gt(after));
        }
        let found: Vec<(DateTime<Utc>, Uuid)> = select.into_tuple().all(self.reader()).await?;
        Ok(found
            .into_iter()
            .map(|(captured_at, lead)| Place { captured_at, lead })
            .collect())
    }

    /// Owes the connection what a step of its look found.
    ///
    /// # Errors
    /// `Conflict` if the look was taken further or begun anew in between, or a capture was faster; the rest is found
    /// again then.
    pub async fn owe_leads(&self, look: &Look, found: &[Place]) -> Result<()> {
        let Some(last) = found.last() else { return Ok(()) };
        let transaction = self.begin().await?;
        let moved = scope::update_any::<connection::Entity>()
            .filter(stands(look))
            .col_expr(
                connection::Column::BackfillTime,
                Expr::value(Some(last.captured_at)),
            )
            .col_expr(connection::Column::BackfillLead, Expr::value(Some(last.lead)))
            .exec(&*transaction)
            .await?;
        if moved.rows_affected == 0 {
            return Err(begun_anew());
        }
        self.owe(&transaction, look, found).await?;
        transaction.commit().await
    }

    async fn owe(&self, transaction: &Transaction, look: &Look, found: &[Place]) -> Result<()> {
        let ids = || found.iter().map(|place| place.lead);
        let leads: Vec<(Uuid, i64)> = scope::select::<lead::Entity>(look.workspace)
            .select_only()
            .columns([lead::Column::Id, lead::Column::SyncRevision])
            .filter(lead::Column::Id.is_in(ids()))
            .order_by_asc(lead::Column::Id)
            // Whoever changes or deletes one of them is waited for, so that the revision is the newest.
            .lock(LockType::Share)
            .into_tuple()
            .all(&**transaction)
            .await?;
        let with_job: Vec<Uuid> = scope::select::<sync_job::Entity>(look.workspace)
            .select_only()
            .column(sync_job::Column::LeadId)
            .filter(sync_job::Column::Provider.eq(look.provider.name()))
            .filter(sync_job::Column::LeadId.is_in(ids()))
            .into_tuple()
            .all(&**transaction)
            .await?;
        let with_job: HashSet<Uuid> = with_job.into_iter().collect();
        let now = self.clock.now();
        let mut new = Vec::new();
        for (lead, revision) in leads {
            let want = Want {
                id: leads_runtime::ids::new_id(&self.clock),
                connection: look.connection,
                lead,
                provider: look.provider,
                revision,
                lane: Lane::Bulk,
                traceparent: String::new(),
                prior: Prior::Absent,
                at: now,
                forced: false,
            };
            if with_job.contains(&lead) {
                want.apply(transaction, look.workspace, now).await?;
            } else {
                new.push(want.into_row(look.workspace));
            }
        }
        transaction.insert::<sync_job::Entity>(look.workspace, new).await
    }

    /// Notes that a look is through: there is one more later, then none until something changes.
    ///
    /// # Errors
    /// `Conflict` if it was begun anew in between.
    pub async fn finish_look(&self, look: &Look) -> Result<()> {
        let later = self.clock.now() + BETWEEN_LOOKS;
        let transaction = self.begin().await?;
        let finished = scope::update_any::<connection::Entity>()
            .filter(stands(look))
            .col_expr(
                connection::Column::BackfillAt,
                Expr::case(
                    Expr::col(connection::Column::Backfills).lt(LOOKS - 1),
                    Expr::value(Some(later)),
                )
                .finally(Expr::value(None::<DateTime<Utc>>))
                .into(),
            )
            .col_expr(
                connection::Column::Backfills,
                Expr::col(connection::Column::Backfills).add(1),
            )
            .col_expr(
                connection::Column::BackfillTime,
                Expr::value(None::<DateTime<Utc>>),
            )
            .col_expr(connection::Column::BackfillLead, Expr::value(None::<Uuid>))
            .exec(&*transaction)
            .await?;
        if finished.rows_affected == 0 {
            return Err(begun_anew());
        }
        transaction.commit().await
    }
}

impl Store {
    /// Has a look wait whose step failed, so that it does not keep the others waiting. It goes on where it is.
    ///
    /// # Errors
    /// The database.
    pub async fn put_look_off(&self, look: &Look) -> Result<()> {
        let transaction = self.begin().await?;
        scope::update_any::<connection::Entity>()
            .filter(stands(look))
            .col_expr(
                connection::Column::BackfillAt,
                Expr::value(Some(self.clock.now() + AFTER_FAILURE)),
            )
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }
}

fn begun_anew() -> Error {
    Error::Conflict {
        constraint: "connections.backfill_at".to_owned(),
    }
}

/// The look is where it was when it was read.
fn stands(look: &Look) -> Condition {
    Condition::all()
        .add(connection::Column::Id.eq(look.connection))
        .add(connection::Column::BackfillAt.eq(look.asked_at))
        .add(match look.after {
            Some(place) => connection::Column::BackfillLead.eq(place.lead),
            None => connection::Column::BackfillLead.is_null(),
        })
}

fn is_owed(look: &Look, settings: &Settings) -> Condition {
    let required: i16 = settings.required_fields.iter().map(|field| field.bit()).sum();
    let job = || {
        Query::select()
            .expr(Expr::value(1))
            .from(sync_job::Entity)
            .and_where(
                Expr::col((sync_job::Entity, sync_job::Column::LeadId))
                    .equals((lead::Entity, lead::Column::Id)),
            )
            .and_where(Expr::col((sync_job::Entity, sync_job::Column::Provider)).eq(look.provider.name()))
            .to_owned()
    };
    // A capture that raced the end of an older connection, or a change of the settings.
    let stray = Expr::col((sync_job::Entity, sync_job::Column::ConnectionId)).ne(look.connection);
    let behind = Expr::col((sync_job::Entity, sync_job::Column::WantedRevision))
        .lt(Expr::col((lead::Entity, lead::Column::SyncRevision)));
    Condition::any()
        .add(Expr::exists(job().and_where(stray.or(behind)).to_owned()))
        .add(
            Condition::all()
                .add(lead::Column::Score.gte(i16::from(settings.sync_threshold)))
                .add(Expr::exists(job()).not())
                .add(has_fields(required)),
        )
}

fn has_fields(required: i16) -> SimpleExpr {
    let contact: SelectStatement = Query::select()
        .expr(Expr::value(1))
        .from(contact::Entity)
        .and_where(
            Expr::col((contact::Entity, contact::Column::Id)).equals((lead::Entity, lead::Column::ContactId)),
        )
        .and_where(
            Expr::col((contact::Entity, contact::Column::Filled))
                .bit_and(required)
                .eq(required),
        )
        .to_owned();
    Expr::exists(contact)
}

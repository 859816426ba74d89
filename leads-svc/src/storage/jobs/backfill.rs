//! Leads that are to be synced and have no job: after a connection was made, or the settings were changed.

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType, Query},
};
use uuid::Uuid;

use super::write::Want;
use crate::{
    domain::{
        sync::{Lane, Provider},
        workspace::Settings,
    },
    storage::{
        Store,
        consents::withheld,
        entity::{contact, lead, sync_job},
        error::Result,
        scope,
        transaction::Prior,
    },
};

/// Leads of one transaction.
const BATCH: u64 = 500;

impl Store {
    /// Owes a connection up to 500 leads that qualify and have no job; returns how many, 0 when none is left.
    ///
    /// # Errors
    /// `Conflict` if a capture was faster; the rest stays for the next call.
    pub async fn backfill(
        &self,
        workspace: Uuid,
        connection: Uuid,
        provider: Provider,
        settings: &Settings,
    ) -> Result<usize> {
        let required: i16 = settings.required_fields.iter().map(|field| field.bit()).sum();
        let has_job = Query::select()
            .expr(Expr::value(1))
            .from(sync_job::Entity)
            .and_where(
                Expr::col((sync_job::Entity, sync_job::Column::LeadId))
                    .equals((lead::Entity, lead::Column::Id)),
            )
            .and_where(Expr::col((sync_job::Entity, sync_job::Column::Provider)).eq(provider.name()))
            .to_owned();
        let complete = Query::select()
            .expr(Expr::value(1))
            .from(contact::Entity)
            .and_where(
                Expr::col((contact::Entity, contact::Column::Id))
                    .equals((lead::Entity, lead::Column::ContactId)),
            )
            .and_where(
                Expr::col((contact::Entity, contact::Column::Filled))
                    .bit_and(required)
                    .eq(required),
            )
            .to_owned();
        let transaction = self.begin().await?;
        // A capture that raced the end of an older connection owes it its lead.
        scope::update::<sync_job::Entity>(workspace)
            .filter(sync_job::Column::Provider.eq(provider.name()))
            .filter(sync_job::Column::ConnectionId.ne(connection))
            .col_expr(sync_job::Column::ConnectionId, Expr::value(connection))
            .exec(&*transaction)
            .await?;
        let leads: Vec<(Uuid, i64)> = scope::select::<lead::Entity>(workspace)
            .select_only()
            .columns([lead::Column::Id, lead::Column::SyncRevision])
            .filter(lead::Column::Score.gte(i16::from(settings.sync_threshold)))
            .filter(Expr::exists(has_job).not())
            .filter(Expr::exists(complete))
            .filter(withheld(settings, self.clock.now()).not())
            .order_by_asc(lead::Column::Id)
            .limit(BATCH)
            // A lead that is being deleted is not owed any more.
            .lock(LockType::KeyShare)
            .into_tuple()
            .all(&*transaction)
            .await?;
        let now = self.clock.now();
        let rows = leads
            .iter()
            .map(|(lead, revision)| {
                Want {
                    id: leads_runtime::ids::new_id(&self.clock),
                    connection,
                    lead: *lead,
                    provider,
                    revision: *revision,
                    lane: Lane::Bulk,
                    traceparent: String::new(),
                    prior: Prior::Absent,
                    at: now,
                    forced: false,
                }
                .into_row(workspace)
            })
            .collect();
        transaction.insert::<sync_job::Entity>(rows).await?;
        transaction.commit().await?;
        Ok(leads.len())
    }
}

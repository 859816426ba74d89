//! Leads that were kept long enough.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::ExprTrait,
};
use uuid::Uuid;

use super::{Store, entity::lead, error::Result, rows, scope};
use crate::domain::{lead::Stage, retention::Retention};

/// A lead that was kept long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The lead.
    pub lead: Uuid,
    /// Its stage.
    pub stage: Stage,
    /// When anything last happened on it.
    pub last_activity_at: DateTime<Utc>,
}

impl Store {
    /// Leads behind `after` that were kept long enough, in the order of their ids.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn due_leads(
        &self,
        workspace: Uuid,
        retention: &Retention,
        after: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Candidate>> {
        if retention.keeps_all() {
            return Ok(Vec::new());
        }
        let mut select = scope::select::<lead::Entity>(workspace).filter(due(retention, self.clock.now()));
        if let Some(after) = after {
            select = select.filter(lead::Column::Id.gt(after));
        }
        let found: Vec<(Uuid, String, DateTime<Utc>)> = select
            .select_only()
            .columns([
                lead::Column::Id,
                lead::Column::Stage,
                lead::Column::LastActivityAt,
            ])
            .order_by_asc(lead::Column::Id)
            .limit(most)
            .into_tuple()
            .all(self.reader())
            .await?;
        found
            .into_iter()
            .map(|(lead, stage, last_activity_at)| {
                Ok(Candidate {
                    lead,
                    stage: rows::word(Stage::parse(&stage), "leads.stage", lead, &stage)?,
                    last_activity_at,
                })
            })
            .collect()
    }

    /// How many leads were kept long enough, counted up to `most`.
    ///
    /// # Errors
    /// The database.
    pub async fn count_due_leads(&self, workspace: Uuid, retention: &Retention, most: u64) -> Result<u64> {
        if retention.keeps_all() {
            return Ok(0);
        }
        Ok(scope::select::<lead::Entity>(workspace)
            .filter(due(retention, self.clock.now()))
            .limit(most)
            .count(self.reader())
            .await?)
    }
}

/// A person whom several leads are is judged by the one that is shown.
fn due(retention: &Retention, now: DateTime<Utc>) -> Condition {
    let any = retention
        .cutoffs(now)
        .into_iter()
        .fold(Condition::any(), |any, (stage, cutoff)| {
            any.add(
                lead::Column::Stage
                    .eq(stage)
                    .and(lead::Column::LastActivityAt.lt(cutoff)),
            )
        });
    Condition::all().add(lead::Column::MergedInto.is_null()).add(any)
}

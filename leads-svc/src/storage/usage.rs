//! What workspaces used, month by month.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use super::{
    Store,
    entity::usage,
    error::Result,
    scope::{self, Reach},
};
use crate::domain::usage::{Counts, Month};

impl Store {
    /// What a workspace used in a month, as far as it was noted.
    ///
    /// # Errors
    /// The database.
    pub async fn usage(&self, workspace: Uuid, month: Month) -> Result<Counts> {
        let row = scope::select::<usage::Entity>(workspace)
            .filter(usage::Column::Month.eq(month.to_string()))
            .one(self.reader())
            .await?;
        Ok(row.map_or_else(Counts::default, |row| Counts {
            captures: row.captures,
            leads: row.leads,
        }))
    }

    /// Adds to what workspaces used.
    ///
    /// # Errors
    /// The database; nothing is added then.
    pub async fn add_usage(&self, used: &[(Uuid, Month, Counts)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<usage::Model> = used
            .iter()
            .map(|(workspace, month, counts)| usage::Model {
                workspace_id: *workspace,
                month: month.to_string(),
                captures: counts.captures,
                leads: counts.leads,
            })
            .collect();
        // In one order on every replica, so that nobody waits in a circle.
        rows.sort_by_key(|row| (row.workspace_id, row.month.clone()));
        let sum =
            |column: usage::Column| Expr::col((usage::Entity, column)).add(Expr::col(("excluded", column)));
        let add = OnConflict::columns([usage::Column::WorkspaceId, usage::Column::Month])
            .value(usage::Column::Captures, sum(usage::Column::Captures))
            .value(usage::Column::Leads, sum(usage::Column::Leads))
            .to_owned();
        let transaction = self.begin().await?;
        transaction.enter(Reach::All).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "rows of many workspaces, each added to what is there"
        )]
        usage::Entity::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
            .on_conflict(add)
            .exec_without_returning(&*transaction)
            .await?;
        transaction.commit().await
    }
}

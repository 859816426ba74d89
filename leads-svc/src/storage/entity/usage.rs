//! What a workspace used in a month.

use sea_orm::entity::prelude::*;

/// A row of `usages`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usages")]
pub struct Model {
    /// Workspace.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// Month in UTC, such as `2026-11`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    /// Captures that were stored.
    pub captures: i64,
    /// Leads that were created.
    pub leads: i64,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

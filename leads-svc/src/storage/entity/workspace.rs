//! A workspace.

use sea_orm::entity::prelude::*;

/// A row of `workspaces`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workspaces")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name for people.
    pub name: String,
    /// `domain::workspace::Settings`.
    pub settings: Json,
    /// `domain::plan::Plan`, as its word.
    pub plan: String,
    /// Creation.
    pub created_at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

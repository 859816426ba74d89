//! How many people's data somebody read in a minute.

use sea_orm::entity::prelude::*;

/// A row of `personal_reads`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "personal_reads")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Beginning of the minute.
    pub minute: DateTimeUtc,
    /// Who.
    pub actor: String,
    /// Through which method.
    pub method: String,
    /// How many leads, those read twice counted twice.
    pub leads: i64,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! An entry of a timeline.

use sea_orm::entity::prelude::*;

/// A row of `activities`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "activities")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Which lead.
    pub lead_id: Uuid,
    /// Word of the kind.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// Encrypted details.
    pub sealed: Vec<u8>,
    /// When.
    pub at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! A score in a lead's history.

use sea_orm::entity::prelude::*;

/// A row of `scores`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scores")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Which lead.
    pub lead_id: Uuid,
    /// 0 to 100.
    pub total: i16,
    /// Such as `bant`.
    pub framework: String,
    /// From 1.
    pub rubric_version: i32,
    /// Encrypted dimensions with their quotes.
    pub sealed: Vec<u8>,
    /// Points by the key of the dimension; none in rows from before filters could ask for them.
    pub points: Option<Json>,
    /// When.
    pub scored_at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

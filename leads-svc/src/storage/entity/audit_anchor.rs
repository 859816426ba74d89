//! A copy of an audit entry's number and MAC.

use sea_orm::entity::prelude::*;

/// A row of `audit_anchors`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_anchors")]
pub struct Model {
    /// Workspace.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// Number of the entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// Its MAC.
    pub mac: Vec<u8>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! What became of an erased person's data in one system.

use sea_orm::entity::prelude::*;

/// A row of `erasure_receipts`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "erasure_receipts")]
pub struct Model {
    /// The erasure.
    #[sea_orm(primary_key, auto_increment = false)]
    pub erasure_id: Uuid,
    /// Word of the system.
    #[sea_orm(primary_key, auto_increment = false)]
    pub system: String,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Word of the state.
    pub state: String,
    /// Code of what went wrong; empty if nothing did.
    pub reason: String,
    /// What was deleted.
    pub records: i64,
    /// Jobs whose hints are to leave the streams, with their generations.
    pub hints: Json,
    /// When it was asked for.
    pub requested_at: DateTimeUtc,
    /// When the last of it was deleted.
    pub done_at: Option<DateTimeUtc>,
    /// When it was read back and not found.
    pub verified_at: Option<DateTimeUtc>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

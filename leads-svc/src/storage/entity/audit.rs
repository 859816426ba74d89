//! An entry of the audit log.

use sea_orm::entity::prelude::*;

/// A row of `audit`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Workspace.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// Number, from 1 without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// When.
    pub at: DateTimeUtc,
    /// Who.
    pub actor: String,
    /// Word of the action.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Facts, a JSON object as it was authenticated.
    pub details: String,
    /// MAC of the entry and of the MAC before it.
    pub mac: Vec<u8>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

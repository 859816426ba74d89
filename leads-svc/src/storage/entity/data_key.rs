//! A secret of a workspace, or of the installation, wrapped by the key-encryption key.

use sea_orm::entity::prelude::*;

/// A row of `data_keys`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_keys")]
pub struct Model {
    /// Workspace; nil for the installation's own.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// What for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub purpose: String,
    /// From 1; the newest that is active counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i16,
    /// The secret, encrypted under the key-encryption key.
    pub wrapped: Vec<u8>,
    /// Key-encryption key that wrapped it.
    pub kek_id: String,
    /// When it may be used for new values: every replica knows it by then.
    pub active_at: DateTimeUtc,
    /// When nothing is written with it any more.
    pub retired_at: Option<DateTimeUtc>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

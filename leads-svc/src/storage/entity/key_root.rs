//! In the key store: a key that wraps the contacts' keys.

use sea_orm::entity::prelude::*;

/// A row of `key_roots`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "key_roots")]
pub struct Model {
    /// From 1; the newest wraps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i16,
    /// The key, encrypted under the key-encryption key.
    pub wrapped: Vec<u8>,
    /// Key-encryption key that wrapped it.
    pub kek_id: String,
    /// Creation.
    pub created_at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

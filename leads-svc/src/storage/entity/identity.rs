//! What a contact is found by.

use sea_orm::entity::prelude::*;

/// A row of `identities`. The values themselves are in the contact's profile.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    /// The contact.
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_id: Uuid,
    /// Word of the kind.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Keyed hash of the value.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value_index: Vec<u8>,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Its place among the contacts that have the value, unique where it counts: 0 for what only one contact can have,
    /// from 0 on for visitor ids, none for the rest.
    pub place: Option<i32>,
    /// Number of the index key that the hash is keyed with.
    pub key_number: i16,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! A person.

use sea_orm::entity::prelude::*;

/// A row of `contacts`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Encrypted `domain::contact::Profile`.
    pub profile: Vec<u8>,
    /// Encrypted `domain::contact::Seen`; none if there is nothing.
    pub seen_sealed: Option<Vec<u8>>,
    /// Bits of the fields that have a value.
    pub filled: i16,
    /// Facts that lists can filter by.
    pub attributes: Json,
    /// Keyed hashes of the words it is found by, a space around each.
    pub search: String,
    /// Messages so far: the next position.
    pub messages: i64,
    /// Changes so far, from 1.
    pub revision: i64,
    /// First touch.
    pub created_at: DateTimeUtc,
    /// When the person was erased: then the row holds nothing but the blind index of the address.
    pub erased_at: Option<DateTimeUtc>,
    /// Its key in the key store; none of what was stored before contacts had keys, and of the erased.
    pub key_id: Option<Uuid>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

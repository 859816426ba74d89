//! In the key store: the key of one contact, or of none yet.

use sea_orm::entity::prelude::*;

/// A row of `contact_keys`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_keys")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Number of the root that wrapped it.
    pub root: i16,
    /// The secret, encrypted under the root; none once it was destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// Creation.
    pub created_at: DateTimeUtc,
    /// Destruction.
    pub destroyed_at: Option<DateTimeUtc>,
    /// Whether it was destroyed because its person was erased.
    pub erased: bool,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

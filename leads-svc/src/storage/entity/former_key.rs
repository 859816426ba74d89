//! A key that values of a contact may still be sealed under, and that is to be destroyed.

use sea_orm::entity::prelude::*;

/// A row of `former_keys`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "former_keys")]
pub struct Model {
    /// The contact, which may be gone.
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_id: Uuid,
    /// The key in the key store; nil is the workspace's, which stays.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// When it is destroyed.
    pub due_at: DateTimeUtc,
    /// Whether the contact was erased; else it was given another key, or was kept long enough.
    pub erased: bool,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

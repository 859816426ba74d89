//! A member of a workspace.

use sea_orm::entity::prelude::*;

/// A row of `members`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Keyed hash of the normalised address.
    pub email_index: Vec<u8>,
    /// Hash of the address by the installation's key, by which a sign-in finds its workspaces; absent in rows of older
    /// releases until the service has filled it in.
    pub sign_in_index: Option<Vec<u8>>,
    /// Encrypted address.
    pub sealed: Vec<u8>,
    /// `domain::member::Role`, as its word.
    pub role: String,
    /// Creation.
    pub created_at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

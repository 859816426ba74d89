//! A turn of a conversation.

use sea_orm::entity::prelude::*;

/// A row of `messages`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Whose conversation.
    pub contact_id: Uuid,
    /// The caller's conversation; may be empty.
    pub conversation_id: String,
    /// Id that callers see.
    pub external_id: String,
    /// Place in the transcript.
    pub position: i64,
    /// Word of the role.
    pub role: String,
    /// Encrypted text.
    pub sealed: Vec<u8>,
    /// When.
    pub at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

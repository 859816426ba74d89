//! A session of somebody who signed in.

use sea_orm::entity::prelude::*;

/// A row of `sessions`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Keyed hash of what the cookie holds.
    pub digest: Vec<u8>,
    /// Who signed in.
    pub member_id: Option<Uuid>,
    /// Key that they signed in with.
    pub key_id: Option<String>,
    /// `domain::session::Method`, as its word.
    pub method: String,
    /// Sign-in.
    pub created_at: DateTimeUtc,
    /// End by itself.
    pub expires_at: DateTimeUtc,
    /// Last use, within half a minute.
    pub seen_at: DateTimeUtc,
    /// Time without use after which it ends.
    pub idle_seconds: i64,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

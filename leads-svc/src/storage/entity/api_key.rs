//! A credential: API key, platform key or connector credential.

use sea_orm::entity::prelude::*;

/// A row of `api_keys`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// Public part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Workspace of an API key.
    pub workspace_id: Option<Uuid>,
    /// Destination of a connector credential.
    pub destination: Option<String>,
    /// Name for people.
    pub name: String,
    /// Scope names.
    pub scopes: Json,
    /// Keyed hash of the secret.
    pub digest: Vec<u8>,
    /// Creation.
    pub created_at: DateTimeUtc,
    /// End by itself.
    pub expires_at: Option<DateTimeUtc>,
    /// Last use, within a minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// Revocation.
    pub revoked_at: Option<DateTimeUtc>,
    /// Key that it was replaced by.
    pub replaced_by: Option<String>,
    /// Member who signs in with it.
    pub member_id: Option<Uuid>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

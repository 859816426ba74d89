//! The stored answer to a request id.

use sea_orm::entity::prelude::*;

/// A row of `idempotency`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// Workspace.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// The caller's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    /// Method it was used with.
    pub method: String,
    /// SHA-256 of the body.
    pub body_digest: Vec<u8>,
    /// Encrypted answer.
    pub response: Vec<u8>,
    /// First use.
    pub created_at: DateTimeUtc,
    /// Whose data the answer holds; none if of nobody, or of several people.
    pub contact_id: Option<Uuid>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

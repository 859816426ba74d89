//! A consent record.

use sea_orm::entity::prelude::*;

/// A row of `consents`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Whose.
    pub contact_id: Uuid,
    /// What for.
    pub purpose: String,
    /// Given or refused.
    pub given: bool,
    /// Text that was shown, of records that are not sealed yet; empty otherwise.
    pub shown: String,
    /// Version of the text.
    pub version: String,
    /// Where it was asked.
    pub channel: String,
    /// When.
    pub at: DateTimeUtc,
    /// Encrypted text and details; absent in records of an earlier release until they are sealed.
    pub sealed: Option<Vec<u8>>,
    /// SHA-256 of the text.
    pub text_hash: Option<Vec<u8>>,
    /// Word of the lawful basis.
    pub basis: String,
    /// End by itself.
    pub expires_at: Option<DateTimeUtc>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

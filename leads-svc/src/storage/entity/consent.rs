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
    /// Text that was shown.
    pub shown: String,
    /// Version of the text.
    pub version: String,
    /// Where it was asked.
    pub channel: String,
    /// When.
    pub at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

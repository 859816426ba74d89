//! A walk through the contacts of a workspace that seals or indexes them anew.

use sea_orm::entity::prelude::*;

/// A row of `renewals`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "renewals")]
pub struct Model {
    /// Workspace.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// `seal` or `index`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// When every replica knows what is new.
    pub not_before: DateTimeUtc,
    /// Creation of the contact that was last.
    pub cursor_at: Option<DateTimeUtc>,
    /// The contact that was last.
    pub cursor_id: Option<Uuid>,
    /// Contacts so far.
    pub contacts: i64,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

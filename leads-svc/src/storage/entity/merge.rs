//! A lead that absorbed another.

use sea_orm::entity::prelude::*;

/// A row of `merges`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "merges")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// The lead that stayed.
    pub survivor_lead: Uuid,
    /// The lead that disappeared behind it.
    pub absorbed_lead: Uuid,
    /// Encrypted `domain::merge::Choices`.
    pub sealed: Vec<u8>,
    /// Who merged them.
    pub actor: String,
    /// When.
    pub at: DateTimeUtc,
    /// When it was undone; none as long as it stands.
    pub undone_at: Option<DateTimeUtc>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

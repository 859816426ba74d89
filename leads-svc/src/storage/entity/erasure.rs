//! A person who was erased.

use sea_orm::entity::prelude::*;

/// A row of `erasures`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "erasures")]
pub struct Model {
    /// Identifier; also that of the contact that keeps the blind indexes of the addresses.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Who asked.
    pub actor: String,
    /// When.
    pub requested_at: DateTimeUtc,
    /// Ids of the leads that the person was.
    pub leads: Json,
    /// Ids of the contacts that the person was.
    pub contacts: Json,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

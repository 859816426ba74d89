//! A lead.

use sea_orm::entity::prelude::*;

/// A row of `leads`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "leads")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// The person.
    pub contact_id: Uuid,
    /// Word of the stage.
    pub stage: String,
    /// Word of the outcome, if closed.
    pub outcome: Option<String>,
    /// Last change of the stage.
    pub stage_changed_at: DateTimeUtc,
    /// 0 to 100.
    pub score: i16,
    /// Newest row of its score history.
    pub score_id: Uuid,
    /// Newest signal.
    pub intent_signal: String,
    /// Encrypted detail of it.
    pub intent_sealed: Vec<u8>,
    /// Its time.
    pub intent_at: DateTimeUtc,
    /// First touch.
    pub channel: String,
    /// All touches.
    pub channels: Json,
    /// Sorted.
    pub tags: Json,
    /// Who works it; empty if nobody.
    pub owner: String,
    /// First capture.
    pub captured_at: DateTimeUtc,
    /// Last event.
    pub last_activity_at: DateTimeUtc,
    /// Changes so far, from 1.
    pub revision: i64,
    /// Changes so far of what a CRM may be sent.
    pub sync_revision: i64,
    /// The lead that it is shown as, since it was merged.
    pub merged_into: Option<Uuid>,
    /// Encrypted `domain::merge::State` of its own, if it absorbed others.
    pub own_sealed: Option<Vec<u8>>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

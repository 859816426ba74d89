//! What a CRM is owed for one lead.

use sea_orm::entity::prelude::*;

/// A row of `sync_jobs`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_jobs")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Through which connection.
    pub connection_id: Uuid,
    /// Which lead.
    pub lead_id: Uuid,
    /// Which CRM.
    pub provider: String,
    /// Word of what is to be done with the CRM's record.
    pub action: String,
    /// Word of what the current or last lease was given for.
    pub claimed_action: String,
    /// The erasure that it belongs to, if the person was erased: then the row holds no personal data.
    pub erasure_id: Option<Uuid>,
    /// Word of the state.
    pub state: String,
    /// Rank of the lane.
    pub lane: i16,
    /// Newest revision that the CRM should have.
    pub wanted_revision: i64,
    /// Revision that the CRM is known to have.
    pub synced_revision: i64,
    /// Revision that the current or last lease was given for.
    pub claimed_revision: i64,
    /// Failed tries of the wanted revision.
    pub attempt: i32,
    /// Since when they fail; none while there is no failure, or after a rest.
    pub failing_since: Option<DateTimeUtc>,
    /// Leases lost while alone in a batch.
    pub solo_losses: i32,
    /// Whether to send it alone.
    pub solo: bool,
    /// Publications so far; a hint of an older one is stale.
    pub generation: i64,
    /// Who may report.
    pub lease_token: Option<Uuid>,
    /// Who reported last.
    pub reported_token: Option<Uuid>,
    /// End of the lease.
    pub lease_until: Option<DateTimeUtc>,
    /// When it is due.
    pub next_at: DateTimeUtc,
    /// When its hint counts as lost.
    pub republish_at: Option<DateTimeUtc>,
    /// Publications since the last claim.
    pub publish_count: i32,
    /// Whether some write may still reach the CRM.
    pub unknown_outcome: bool,
    /// Whether the next step is to read back.
    pub verifying: bool,
    /// The CRM's record; empty before the first sync.
    pub external_id: String,
    /// Records that held the lead before that one, separated by commas.
    pub former_ids: String,
    /// The record's page.
    pub url: String,
    /// Last reason; encrypted if a CRM gave it.
    pub reason: Option<Json>,
    /// Since when a change waits.
    pub first_pending_at: DateTimeUtc,
    /// Last acceptance.
    pub synced_at: Option<DateTimeUtc>,
    /// Change to acceptance, of the last sync.
    pub latency_ms: i64,
    /// Trace of the change.
    pub traceparent: String,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Something that only the connector can do with a vendor.

use sea_orm::entity::prelude::*;

/// A row of `connection_tasks`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connection_tasks")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Which connection.
    pub connection_id: Uuid,
    /// Which CRM.
    pub provider: String,
    /// What to do.
    pub kind: String,
    /// pending, running, done or failed.
    pub state: String,
    /// Tries so far.
    pub attempt: i32,
    /// When it is due.
    pub next_at: DateTimeUtc,
    /// Who may report.
    pub lease_token: Option<Uuid>,
    /// Who did report.
    pub reported_token: Option<Uuid>,
    /// End of the lease.
    pub lease_until: Option<DateTimeUtc>,
    /// Creation.
    pub created_at: DateTimeUtc,
    /// Encrypted credentials to check, as `connections.sealed` takes them; none once the task is settled.
    pub sealed: Option<Vec<u8>>,
    /// Lead field to property, for when the check succeeds.
    pub field_mapping: Option<Json>,
    /// Encrypted: why the last try did not succeed.
    pub problem_sealed: Option<Vec<u8>>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

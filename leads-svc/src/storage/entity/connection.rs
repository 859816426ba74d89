//! A connection to a CRM.

use sea_orm::entity::prelude::*;

/// A row of `connections`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connections")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Which CRM.
    pub provider: String,
    /// connecting, connected, paused or failed.
    pub state: String,
    /// Encrypted credentials.
    pub sealed: Vec<u8>,
    /// Lead field to property.
    pub field_mapping: Json,
    /// Account found by the last check.
    pub account_id: String,
    /// Host of the vendor's pages.
    pub ui_domain: String,
    /// Limits found by the last check.
    pub limits: Option<Json>,
    /// Encrypted: why it does not work.
    pub problem_sealed: Option<Vec<u8>>,
    /// Creation.
    pub created_at: DateTimeUtc,
    /// Last check.
    pub checked_at: Option<DateTimeUtc>,
    /// End of a pause that the vendor asked for.
    pub paused_until: Option<DateTimeUtc>,
    /// End of the breaker's rest.
    pub resting_until: Option<DateTimeUtc>,
    /// How often the breaker opened since the last success.
    pub trips: i32,
    /// When to look for leads that lack a job.
    pub backfill_at: Option<DateTimeUtc>,
    /// How often that was done since it was asked for.
    pub backfills: i32,
    /// Capture of the last lead that the current look came to.
    pub backfill_time: Option<DateTimeUtc>,
    /// That lead.
    pub backfill_lead: Option<Uuid>,
    /// Rises whenever credentials, mapping or what the check found may have changed.
    pub version: i64,
    /// Since when the breaker counts; absent if it begins anew.
    pub counted_from: Option<DateTimeUtc>,
    /// Jobs that the vendor answered since then.
    pub answered: i32,
    /// Jobs that failed for the vendor's sake since then.
    pub failed: i32,
    /// Who may renew the session, or did so last.
    pub refresh_lease: Option<Uuid>,
    /// End of that right; absent once it was used.
    pub refresh_until: Option<DateTimeUtc>,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

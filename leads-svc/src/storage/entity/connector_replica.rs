//! A living connector process.

use sea_orm::entity::prelude::*;

/// A row of `connector_replicas`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connector_replicas")]
pub struct Model {
    /// Which destination.
    #[sea_orm(primary_key, auto_increment = false)]
    pub destination: String,
    /// Its name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub replica: String,
    /// Last heartbeat.
    pub seen_at: DateTimeUtc,
}

/// None: joins are written where they are used.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

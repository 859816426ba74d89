//! Since when the tries of a job fail: a job that only waited is not given up for its age.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = timestamp_with_time_zone_null("failing_since");
        manager
            .alter_table(Table::alter().table("sync_jobs").add_column(column).to_owned())
            .await
    }
}

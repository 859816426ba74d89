//! What all replicas must know of a connection: how its vendor did in the last minute, and which version of it is meant.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One by one: SQLite adds one column a statement.
        for column in [
            big_integer("version").default(1).take(),
            timestamp_with_time_zone_null("counted_from"),
            integer("answered").default(0).take(),
            integer("failed").default(0).take(),
        ] {
            manager
                .alter_table(Table::alter().table("connections").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}

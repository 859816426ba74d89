//! Who may renew a connection's session: some refresh tokens can be spent once.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite takes one column a statement.
        for column in [
            uuid_null("refresh_lease"),
            timestamp_with_time_zone_null("refresh_until"),
        ] {
            let statement = Table::alter().table("connections").add_column(column).to_owned();
            manager.alter_table(statement).await?;
        }
        Ok(())
    }
}

//! Merges of leads: who absorbed whom, and the own state of a lead that shows more than that.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("merges")
                    .col(uuid("id").primary_key())
                    .col(uuid("workspace_id"))
                    .col(uuid("survivor_lead"))
                    .col(uuid("absorbed_lead"))
                    .col(blob("sealed"))
                    .col(string_len("actor", 100))
                    .col(timestamp_with_time_zone("at"))
                    .col(timestamp_with_time_zone_null("undone_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("merges_by_survivor")
                    .table("merges")
                    .col("survivor_lead")
                    .to_owned(),
            )
            .await?;
        // SQLite takes one column a statement.
        for column in [uuid_null("merged_into"), blob_null("own_sealed")] {
            let statement = Table::alter().table("leads").add_column(column).to_owned();
            manager.alter_table(statement).await?;
        }
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE INDEX leads_by_survivor ON leads (workspace_id, merged_into) WHERE merged_into IS NOT NULL",
            )
            .await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            // Few leads are merged.
            connection
                .execute_unprepared(
                    "INSERT INTO sqlite_stat1 VALUES ('leads', 'leads_by_survivor', '20000 1000 2'); \
                     ANALYZE sqlite_schema",
                )
                .await?;
        }
        Ok(())
    }
}

//! What a job does with a CRM's record, erasures with their receipts, and whose data a stored answer holds.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite takes one column a statement.
        for (table, column) in [
            ("sync_jobs", string_len("action", 16).default("upsert").take()),
            (
                "sync_jobs",
                string_len("claimed_action", 16).default("upsert").take(),
            ),
            ("sync_jobs", text("former_ids").default("").take()),
            ("sync_jobs", uuid_null("erasure_id")),
            ("idempotency", uuid_null("contact_id")),
        ] {
            manager
                .alter_table(Table::alter().table(table).add_column(column).to_owned())
                .await?;
        }
        erasures(manager).await?;
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE INDEX sync_jobs_by_erasure ON sync_jobs (erasure_id) WHERE erasure_id IS NOT NULL",
            )
            .await?;
        connection
            .execute_unprepared(
                "CREATE INDEX idempotency_by_contact ON idempotency (workspace_id, contact_id)",
            )
            .await?;
        connection
            .execute_unprepared("CREATE INDEX merges_by_absorbed ON merges (absorbed_lead)")
            .await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            // Few people are erased.
            connection
                .execute_unprepared(
                    "INSERT INTO sqlite_stat1 VALUES ('sync_jobs', 'sync_jobs_by_erasure', '2000 2'); \
                     ANALYZE sqlite_schema",
                )
                .await?;
        }
        Ok(())
    }
}

async fn erasures(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("erasures")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(string_len("actor", 100))
                .col(timestamp_with_time_zone("requested_at"))
                .col(json_binary("leads"))
                .col(json_binary("contacts"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("erasures_by_workspace")
                .table("erasures")
                .col("workspace_id")
                .col("id")
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("erasure_receipts")
                .col(uuid("erasure_id"))
                .col(string_len("system", 32))
                .col(uuid("workspace_id"))
                .col(string_len("state", 16))
                .col(string_len("reason", 64))
                .col(big_integer("records"))
                .col(json_binary("hints"))
                .col(timestamp_with_time_zone("requested_at"))
                .col(timestamp_with_time_zone_null("done_at"))
                .col(timestamp_with_time_zone_null("verified_at"))
                .primary_key(Index::create().col("erasure_id").col("system"))
                .to_owned(),
        )
        .await?;
    manager
        .get_connection()
        .execute_unprepared(
            "CREATE INDEX erasure_receipts_pending ON erasure_receipts (system, requested_at) \
             WHERE state = 'pending'",
        )
        .await?;
    Ok(())
}

//! What the service owes the outside: connections, their tasks, and one sync job per lead and provider.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        connections(manager).await?;
        sync_jobs(manager).await
    }
}

async fn connections(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("connections")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(string_len("provider", 32))
                .col(string_len("state", 16))
                .col(blob("sealed"))
                .col(json_binary("field_mapping"))
                .col(string_len("account_id", 64))
                .col(string_len("ui_domain", 255))
                .col(json_binary_null("limits"))
                .col(json_binary_null("problem"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone_null("checked_at"))
                .col(timestamp_with_time_zone_null("paused_until"))
                .col(timestamp_with_time_zone_null("resting_until"))
                .col(integer("trips"))
                .col(timestamp_with_time_zone_null("backfill_at"))
                .col(integer("backfills"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("connections_by_workspace")
                .table("connections")
                .col("workspace_id")
                .col("provider")
                .unique()
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("connection_tasks")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid("connection_id"))
                .col(string_len("provider", 32))
                .col(string_len("kind", 16))
                .col(string_len("state", 16))
                .col(integer("attempt"))
                .col(timestamp_with_time_zone("next_at"))
                .col(uuid_null("lease_token"))
                .col(uuid_null("reported_token"))
                .col(timestamp_with_time_zone_null("lease_until"))
                .col(timestamp_with_time_zone("created_at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("connection_tasks_due")
                .table("connection_tasks")
                .col("provider")
                .col("state")
                .col("next_at")
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("connector_replicas")
                .col(string_len("destination", 32))
                .col(string_len("replica", 128))
                .col(timestamp_with_time_zone("seen_at"))
                .primary_key(Index::create().col("destination").col("replica"))
                .to_owned(),
        )
        .await
}

async fn sync_jobs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("sync_jobs")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid("connection_id"))
                .col(uuid("lead_id"))
                .col(string_len("provider", 32))
                .col(string_len("state", 16))
                .col(small_integer("lane"))
                .col(big_integer("wanted_revision"))
                .col(big_integer("synced_revision"))
                .col(big_integer("claimed_revision"))
                .col(integer("attempt"))
                .col(integer("solo_losses"))
                .col(boolean("solo"))
                .col(big_integer("generation"))
                .col(uuid_null("lease_token"))
                .col(uuid_null("reported_token"))
                .col(timestamp_with_time_zone_null("lease_until"))
                .col(timestamp_with_time_zone("next_at"))
                .col(timestamp_with_time_zone_null("republish_at"))
                .col(integer("publish_count"))
                .col(boolean("unknown_outcome"))
                .col(boolean("verifying"))
                .col(string_len("external_id", 64))
                .col(text("url"))
                .col(json_binary_null("reason"))
                .col(timestamp_with_time_zone("first_pending_at"))
                .col(timestamp_with_time_zone_null("synced_at"))
                .col(big_integer("latency_ms"))
                .col(string_len("traceparent", 64))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("sync_jobs_by_lead")
                .table("sync_jobs")
                .col("lead_id")
                .col("provider")
                .unique()
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("sync_jobs_due")
                .table("sync_jobs")
                .col("connection_id")
                .col("state")
                .col("lane")
                .col("next_at")
                .to_owned(),
        )
        .await?;
    for (name, column) in [
        ("sync_jobs_unheard", "republish_at"),
        ("sync_jobs_leased", "lease_until"),
    ] {
        manager
            .create_index(
                Index::create()
                    .name(name)
                    .table("sync_jobs")
                    .col("state")
                    .col(column)
                    .to_owned(),
            )
            .await?;
    }
    Ok(())
}

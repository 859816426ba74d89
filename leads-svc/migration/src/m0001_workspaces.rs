//! Workspaces, their keys, and the answers kept for repeated requests.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("workspaces")
                    .col(uuid("id").primary_key())
                    .col(string_len("name", 200))
                    .col(json_binary("settings"))
                    .col(var_binary("wrapped_key", 255))
                    .col(string_len("kek_id", 32))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("api_keys")
                    .col(string_len("id", 16).primary_key())
                    .col(uuid_null("workspace_id"))
                    .col(string_len_null("destination", 32))
                    .col(string_len("name", 100))
                    .col(json_binary("scopes"))
                    .col(var_binary("digest", 32))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .col(timestamp_with_time_zone_null("last_used_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("api_keys_by_workspace")
                    .table("api_keys")
                    .col("workspace_id")
                    .col("created_at")
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("idempotency")
                    .col(uuid("workspace_id"))
                    .col(uuid("request_id"))
                    .col(string_len("method", 32))
                    .col(var_binary("body_digest", 32))
                    .col(blob("response"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("workspace_id").col("request_id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("idempotency_by_age")
                    .table("idempotency")
                    .col("created_at")
                    .to_owned(),
            )
            .await
    }
}

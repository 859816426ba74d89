//! Plans of workspaces, what they use of them, and keys that replace other keys.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("workspaces")
                    .add_column(string_len("plan", 16).default("enterprise"))
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("api_keys")
                    .add_column(string_len_null("replaced_by", 16))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("usages")
                    .col(uuid("workspace_id"))
                    .col(string_len("month", 7))
                    .col(big_integer("captures"))
                    .col(big_integer("leads"))
                    .primary_key(Index::create().col("workspace_id").col("month"))
                    .to_owned(),
            )
            .await
    }
}

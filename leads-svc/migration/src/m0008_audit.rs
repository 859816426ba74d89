//! The audit log: a chain of entries per workspace, its head and its anchors; and who read how much personal data.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        chain(manager).await?;
        reads(manager).await
    }
}

async fn chain(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("audit")
                .col(uuid("workspace_id"))
                .col(big_integer("n"))
                .col(timestamp_with_time_zone("at"))
                .col(string_len("actor", 100))
                .col(string_len("action", 32))
                .col(string_len("subject", 100))
                .col(text("details"))
                .col(var_binary("mac", 32))
                .primary_key(Index::create().col("workspace_id").col("n"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("audit_by_subject")
                .table("audit")
                .col("workspace_id")
                .col("subject")
                .col("n")
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("audit_heads")
                .col(uuid("workspace_id").primary_key())
                .col(big_integer("n"))
                .col(var_binary("mac", 32))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("audit_anchors")
                .col(uuid("workspace_id"))
                .col(big_integer("n"))
                .col(var_binary("mac", 32))
                .primary_key(Index::create().col("workspace_id").col("n"))
                .to_owned(),
        )
        .await
}

async fn reads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("personal_reads")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(timestamp_with_time_zone("minute"))
                .col(string_len("actor", 100))
                .col(string_len("method", 32))
                .col(big_integer("leads"))
                .to_owned(),
        )
        .await?;
    for (name, first) in [
        ("personal_reads_by_workspace", Some("workspace_id")),
        ("personal_reads_by_age", None),
    ] {
        let mut index = Index::create().name(name).table("personal_reads").to_owned();
        if let Some(first) = first {
            index.col(first);
        }
        manager.create_index(index.col("minute").to_owned()).await?;
    }
    Ok(())
}

//! Members of workspaces, and the keys that they sign in with.

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
                    .table("members")
                    .col(uuid("id").primary_key())
                    .col(uuid("workspace_id"))
                    .col(var_binary("email_index", 16))
                    .col(blob("sealed"))
                    .col(string_len("role", 16))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("members_by_email")
                    .table("members")
                    .col("workspace_id")
                    .col("email_index")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("api_keys")
                    .add_column(uuid_null("member_id"))
                    .to_owned(),
            )
            .await
    }
}

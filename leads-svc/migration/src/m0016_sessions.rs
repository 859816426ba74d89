//! Sessions of people who signed in, and the mark by which a sign-in finds the workspaces of an address.

use sea_orm_migration::{prelude::*, schema::*};

use crate::m0015_isolation::protect;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("sessions")
                    .col(uuid("id").primary_key())
                    .col(uuid("workspace_id"))
                    .col(var_binary("digest", 32))
                    .col(uuid_null("member_id"))
                    .col(string_len_null("key_id", 16))
                    .col(string_len("method", 16))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .col(timestamp_with_time_zone("seen_at"))
                    .col(big_integer("idle_seconds"))
                    .to_owned(),
            )
            .await?;
        protect(manager, "sessions", "workspace_id").await?;
        manager
            .create_index(
                Index::create()
                    .name("sessions_by_digest")
                    .table("sessions")
                    .col("digest")
                    .unique()
                    .to_owned(),
            )
            .await?;
        for (name, columns) in [
            ("sessions_by_holder", &["workspace_id", "member_id", "key_id"][..]),
            ("sessions_by_end", &["expires_at"]),
        ] {
            let mut index = Index::create();
            index.name(name).table("sessions");
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        manager
            .alter_table(
                Table::alter()
                    .table("members")
                    .add_column(var_binary_null("sign_in_index", 16))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("members_by_sign_in")
                    .table("members")
                    .col("sign_in_index")
                    .to_owned(),
            )
            .await
    }
}

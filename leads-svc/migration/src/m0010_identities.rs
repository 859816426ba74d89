//! What a contact is found by moves to a table of its own, so that it can have several addresses; and a contact
//! remembers what was seen of it before it became a lead.

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
                    .table("identities")
                    .col(uuid("contact_id"))
                    .col(string_len("kind", 16))
                    .col(var_binary("value_index", 16))
                    .col(uuid("workspace_id"))
                    .col(integer_null("place"))
                    .primary_key(Index::create().col("contact_id").col("kind").col("value_index"))
                    .to_owned(),
            )
            .await?;
        // Rows without a place are as many as there are: no value of theirs is taken.
        manager
            .create_index(
                Index::create()
                    .name("identities_by_value")
                    .table("identities")
                    .col("workspace_id")
                    .col("kind")
                    .col("value_index")
                    .col("place")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .get_connection()
            .execute_unprepared(
                "INSERT INTO identities (contact_id, kind, value_index, workspace_id, place) \
                 SELECT id, 'email', email_index, workspace_id, 0 FROM contacts WHERE email_index IS NOT NULL",
            )
            .await?;
        manager
            .drop_index(
                Index::drop()
                    .name("contacts_by_email")
                    .table("contacts")
                    .to_owned(),
            )
            .await?;
        alter(manager, |table| table.drop_column("email_index")).await?;
        alter(manager, |table| table.add_column(blob_null("seen_sealed"))).await?;
        manager
            .create_index(
                Index::create()
                    .name("contacts_by_time")
                    .table("contacts")
                    .col("workspace_id")
                    .col("created_at")
                    .col("id")
                    .to_owned(),
            )
            .await
    }
}

/// SQLite takes one change a statement.
async fn alter(
    manager: &SchemaManager<'_>,
    change: impl FnOnce(&mut TableAlterStatement) -> &mut TableAlterStatement,
) -> Result<(), DbErr> {
    let mut statement = Table::alter().table("contacts").to_owned();
    change(&mut statement);
    manager.alter_table(statement).await
}

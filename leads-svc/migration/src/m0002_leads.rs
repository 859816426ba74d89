//! Contacts, leads, and what hangs on them. Columns named `sealed` or `profile` hold ciphertext.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        people(manager).await?;
        conversations(manager).await?;
        history(manager).await
    }
}

async fn people(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("contacts")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(var_binary_null("email_index", 16))
                .col(blob("profile"))
                .col(small_integer("filled"))
                .col(json_binary("attributes"))
                .col(text("search"))
                .col(big_integer("messages"))
                .col(big_integer("revision"))
                .col(timestamp_with_time_zone("created_at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("contacts_by_email")
                .table("contacts")
                .col("workspace_id")
                .col("email_index")
                .unique()
                .to_owned(),
        )
        .await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX contacts_by_word ON contacts USING gin (to_tsvector('simple', search))",
            )
            .await?;
    }
    manager
        .create_table(
            Table::create()
                .table("leads")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid_uniq("contact_id"))
                .col(string_len("stage", 16))
                .col(string_len_null("outcome", 8))
                .col(timestamp_with_time_zone("stage_changed_at"))
                .col(small_integer("score"))
                .col(uuid("score_id"))
                .col(string_len("intent_signal", 64))
                .col(blob("intent_sealed"))
                .col(timestamp_with_time_zone("intent_at"))
                .col(string_len("channel", 16))
                .col(json_binary("channels"))
                .col(json_binary("tags"))
                .col(string_len("owner", 200))
                .col(timestamp_with_time_zone("captured_at"))
                .col(timestamp_with_time_zone("last_activity_at"))
                .col(big_integer("revision"))
                .col(big_integer("sync_revision"))
                .to_owned(),
        )
        .await?;
    for (name, columns) in [
        ("leads_by_time", ["workspace_id", "captured_at", "id"]),
        ("leads_by_score", ["workspace_id", "score", "id"]),
    ] {
        let mut index = Index::create().name(name).table("leads").to_owned();
        for column in columns {
            index.col(column);
        }
        manager.create_index(index).await?;
    }
    manager
        .create_index(
            Index::create()
                .name("leads_by_stage")
                .table("leads")
                .col("workspace_id")
                .col("stage")
                .col("captured_at")
                .col("id")
                .to_owned(),
        )
        .await
}

async fn conversations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("messages")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid("contact_id"))
                .col(string_len("conversation_id", 128))
                .col(string_len("external_id", 128))
                .col(big_integer("position"))
                .col(string_len("role", 8))
                .col(blob("sealed"))
                .col(timestamp_with_time_zone("at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("messages_by_external_id")
                .table("messages")
                .col("contact_id")
                .col("conversation_id")
                .col("external_id")
                .unique()
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("messages_by_position")
                .table("messages")
                .col("contact_id")
                .col("position")
                .unique()
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("consents")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid("contact_id"))
                .col(string_len("purpose", 64))
                .col(boolean("given"))
                .col(text("shown"))
                .col(string_len("version", 64))
                .col(string_len("channel", 16))
                .col(timestamp_with_time_zone("at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("consents_by_contact")
                .table("consents")
                .col("contact_id")
                .col("at")
                .to_owned(),
        )
        .await
}

async fn history(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("scores")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid("lead_id"))
                .col(small_integer("total"))
                .col(string_len("framework", 32))
                .col(integer("rubric_version"))
                .col(blob("sealed"))
                .col(timestamp_with_time_zone("scored_at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("activities")
                .col(uuid("id").primary_key())
                .col(uuid("workspace_id"))
                .col(uuid("lead_id"))
                .col(string_len("kind", 32))
                .col(string_len("actor", 64))
                .col(blob("sealed"))
                .col(timestamp_with_time_zone("at"))
                .to_owned(),
        )
        .await?;
    for (name, table) in [("scores_by_lead", "scores"), ("activities_by_lead", "activities")] {
        manager
            .create_index(
                Index::create()
                    .name(name)
                    .table(table)
                    .col("lead_id")
                    .col("id")
                    .to_owned(),
            )
            .await?;
    }
    Ok(())
}

//! Data keys by number instead of one per workspace; which contact has which key of the key store; keys that contacts
//! had before; and what is being sealed or indexed anew.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::m0015_isolation::{enter_all, protect};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("data_keys")
                    .col(uuid("workspace_id"))
                    .col(string_len("purpose", 16))
                    .col(small_integer("number"))
                    .col(var_binary("wrapped", 255))
                    .col(string_len("kek_id", 32))
                    .col(timestamp_with_time_zone("active_at"))
                    .col(timestamp_with_time_zone_null("retired_at"))
                    .primary_key(Index::create().col("workspace_id").col("purpose").col("number"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("former_keys")
                    .col(uuid("contact_id"))
                    .col(uuid("key_id"))
                    .col(uuid("workspace_id"))
                    .col(timestamp_with_time_zone("due_at"))
                    .col(boolean("erased").default(false))
                    .primary_key(Index::create().col("contact_id").col("key_id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("former_keys_due")
                    .table("former_keys")
                    .col("due_at")
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("renewals")
                    .col(uuid("workspace_id"))
                    .col(string_len("kind", 16))
                    .col(timestamp_with_time_zone("not_before"))
                    .col(timestamp_with_time_zone_null("cursor_at"))
                    .col(uuid_null("cursor_id"))
                    .col(big_integer("contacts").default(0))
                    .primary_key(Index::create().col("workspace_id").col("kind"))
                    .to_owned(),
            )
            .await?;
        for (table, column) in [
            ("contacts", uuid_null("key_id")),
            ("identities", small_integer("key_number").default(1).to_owned()),
        ] {
            let statement = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(statement).await?;
        }
        for table in ["data_keys", "former_keys", "renewals"] {
            protect(manager, table, "workspace_id").await?;
        }
        enter_all(manager).await?;
        let connection = manager.get_connection();
        // What was sealed before contacts had keys of their own is sealed anew, workspace by workspace.
        connection
            .execute_unprepared(
                "INSERT INTO data_keys (workspace_id, purpose, number, wrapped, kek_id, active_at) \
                 SELECT id, 'data', 1, wrapped_key, kek_id, created_at FROM workspaces; \
                 INSERT INTO renewals (workspace_id, kind, not_before, contacts) \
                 SELECT id, 'seal', created_at, 0 FROM workspaces",
            )
            .await?;
        // Processes of the release before go on reading these; a workspace that is made from now on has none.
        let optional = match manager.get_database_backend() {
            DbBackend::Postgres => {
                "ALTER TABLE workspaces ALTER COLUMN wrapped_key DROP NOT NULL, ALTER COLUMN kek_id DROP NOT NULL"
            }
            // In one call, so on one connection: another one of the pool may not know the columns of this one yet.
            _ => {
                "ALTER TABLE workspaces ADD COLUMN kept_key varbinary_blob(255); \
                 ALTER TABLE workspaces ADD COLUMN kept_kek varchar(32); \
                 UPDATE workspaces SET kept_key = wrapped_key, kept_kek = kek_id; \
                 ALTER TABLE workspaces DROP COLUMN wrapped_key; \
                 ALTER TABLE workspaces DROP COLUMN kek_id; \
                 ALTER TABLE workspaces RENAME COLUMN kept_key TO wrapped_key; \
                 ALTER TABLE workspaces RENAME COLUMN kept_kek TO kek_id"
            }
        };
        connection.execute_unprepared(optional).await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            connection
                .execute_unprepared(
                    "INSERT INTO sqlite_stat1 VALUES \
                     ('data_keys', 'sqlite_autoindex_data_keys_1', '30000 3 1 1'), \
                     ('former_keys', 'sqlite_autoindex_former_keys_1', '100000 1 1'), \
                     ('former_keys', 'former_keys_due', '100000 2'); \
                     ANALYZE sqlite_schema",
                )
                .await?;
        }
        Ok(())
    }
}

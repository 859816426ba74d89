//! Schema of the key store: a database of its own, with backups of its own. Under the same rules as the other one.

use sea_orm_migration::{prelude::*, schema::*};

/// All migrations of the key store, in order.
pub struct KeyStoreMigrator;

impl MigratorTrait for KeyStoreMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(ContactKeys)]
    }
}

/// The contacts' keys, and the keys that wrap them.
struct ContactKeys;

impl MigrationName for ContactKeys {
    fn name(&self) -> &str {
        "k0001_contact_keys"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for ContactKeys {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("key_roots")
                    .col(small_integer("number").primary_key())
                    .col(var_binary("wrapped", 255))
                    .col(string_len("kek_id", 32))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("contact_keys")
                    .col(uuid("id").primary_key())
                    .col(small_integer("root"))
                    .col(blob_null("wrapped"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("destroyed_at"))
                    .col(boolean("erased").default(false))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("contact_keys_by_root")
                    .table("contact_keys")
                    .col("root")
                    .to_owned(),
            )
            .await
    }
}

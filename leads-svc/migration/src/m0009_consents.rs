//! Consent records in full, with their texts sealed; and what remains of an erased contact: the blind index of its
//! address, by which a capture without a newer consent is refused.

use sea_orm_migration::{prelude::*, schema::*};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Records without `sealed` are of before: their text is in `shown` until the service has sealed it.
        for (table, column) in [
            ("consents", blob_null("sealed")),
            ("consents", var_binary_null("text_hash", 32)),
            ("consents", string_len("basis", 24).default("consent").take()),
            ("consents", timestamp_with_time_zone_null("expires_at")),
            ("contacts", timestamp_with_time_zone_null("erased_at")),
        ] {
            manager
                .alter_table(Table::alter().table(table).add_column(column).to_owned())
                .await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("leads_by_activity")
                    .table("leads")
                    .col("workspace_id")
                    .col("stage")
                    .col("last_activity_at")
                    .to_owned(),
            )
            .await
    }
}

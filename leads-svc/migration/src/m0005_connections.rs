//! Connections keep working credentials while new ones are checked, seal why they do not work, and remember how far a
//! look through their leads got.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            blob_null("problem_sealed"),
            timestamp_with_time_zone_null("backfill_time"),
            uuid_null("backfill_lead"),
        ] {
            add(manager, "connections", column).await?;
        }
        for column in [
            blob_null("sealed"),
            json_binary_null("field_mapping"),
            blob_null("problem_sealed"),
        ] {
            add(manager, "connection_tasks", column).await?;
        }
        forget_problems(manager).await
    }
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    // SQLite takes one column a statement.
    let statement = Table::alter().table(table).add_column(column).to_owned();
    manager.alter_table(statement).await
}

/// Deletes what CRMs said in the open: it may quote a person or a token. SQLite is told to overwrite it, in its file
/// and in its log.
async fn forget_problems(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let forget = "UPDATE connections SET problem = NULL WHERE problem IS NOT NULL";
    let statements = match manager.get_database_backend() {
        DbBackend::Sqlite => {
            format!("PRAGMA secure_delete = ON; {forget}; PRAGMA wal_checkpoint(TRUNCATE)")
        }
        _ => forget.to_owned(),
    };
    manager.get_connection().execute_unprepared(&statements).await?;
    Ok(())
}

//! What SQLite's planner shall assume of the tables that grow. Without it a workspace, or a state, is taken for a
//! condition that ten rows meet, and a look-up of leads by their ids walks all leads of the workspace.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// Rows of a table, then how many rows share a value of an index's first column, of its first two, and so on.
const ASSUMED: [(&str, &str, &str); 15] = [
    ("contacts", "sqlite_autoindex_contacts_1", "1000000 1"),
    ("contacts", "contacts_by_time", "1000000 100000 2 1"),
    ("identities", "sqlite_autoindex_identities_1", "3000000 3 2 1"),
    ("identities", "identities_by_value", "3000000 300000 100000 2 1"),
    ("leads", "sqlite_autoindex_leads_1", "1000000 1"),
    ("leads", "sqlite_autoindex_leads_2", "1000000 1"),
    ("leads", "leads_by_time", "1000000 100000 2 1"),
    ("leads", "leads_by_score", "1000000 100000 1000 1"),
    ("leads", "leads_by_activity", "1000000 100000 20000 2"),
    ("leads", "leads_by_stage", "1000000 100000 20000 2 1"),
    ("sync_jobs", "sqlite_autoindex_sync_jobs_1", "1000000 1"),
    ("sync_jobs", "sync_jobs_by_lead", "1000000 1 1"),
    ("sync_jobs", "sync_jobs_due", "1000000 100000 1000 300 2"),
    ("sync_jobs", "sync_jobs_unheard", "1000000 1000 2"),
    ("sync_jobs", "sync_jobs_leased", "1000000 1000 2"),
];

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            // Postgres gathers its own.
            return Ok(());
        }
        let connection = manager.get_connection();
        // ANALYZE makes the table that the planner reads.
        connection
            .execute_unprepared("ANALYZE seaql_migrations; DELETE FROM sqlite_stat1")
            .await?;
        for (table, index, rows) in ASSUMED {
            let insert = format!("INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{rows}')");
            connection.execute_unprepared(&insert).await?;
        }
        connection.execute_unprepared("ANALYZE sqlite_schema").await?;
        Ok(())
    }
}

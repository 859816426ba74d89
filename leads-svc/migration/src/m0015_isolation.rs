//! Rows of other workspaces are not there: on Postgres every table with a workspace has a policy that shows the rows of
//! the one that a statement entered, or of all if it said so; a statement that entered nothing sees nothing.
//!
//! A statement enters by a cast of the workspace's id, or of `all`, to the type `leads_scope`. The cast sets
//! `leads.scope` until the transaction ends, and a statement outside a transaction is one of its own.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const ENTRANCE: &str = "
    CREATE TYPE leads_scope AS (entered text);
    CREATE FUNCTION leads_enter(text) RETURNS leads_scope LANGUAGE sql VOLATILE
        AS $$ SELECT ROW(set_config('leads.scope', $1, true))::leads_scope $$;
    CREATE CAST (text AS leads_scope) WITH FUNCTION leads_enter(text);
";

/// A condition that an index answers has to be one that gives nothing away of rows that it is not true of, or a policy
/// goes first, row by row. Full text search is none. So the words are where no policy is: keyed hashes beside ids.
const WORDS: &str = "
    CREATE TABLE contact_words (contact_id uuid PRIMARY KEY, words tsvector NOT NULL);
    INSERT INTO contact_words SELECT id, to_tsvector('simple', search) FROM contacts;
    CREATE INDEX contact_words_by_word ON contact_words USING gin (words);
    DROP INDEX contacts_by_word;

    CREATE FUNCTION contact_words_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO contact_words SELECT id, to_tsvector('simple', search) FROM added;
        RETURN NULL;
    END $$;
    CREATE TRIGGER contact_words_added AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION contact_words_added();

    CREATE FUNCTION contact_words_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE contact_words SET words = to_tsvector('simple', NEW.search) WHERE contact_id = NEW.id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER contact_words_changed AFTER UPDATE OF search ON contacts
        FOR EACH ROW WHEN (OLD.search IS DISTINCT FROM NEW.search) EXECUTE FUNCTION contact_words_changed();

    CREATE FUNCTION contact_words_removed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM contact_words WHERE contact_id = OLD.id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER contact_words_removed AFTER DELETE ON contacts
        FOR EACH ROW EXECUTE FUNCTION contact_words_removed();
";

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            // SQLite has no policies.
            return Ok(());
        }
        let connection = manager.get_connection();
        connection.execute_unprepared(ENTRANCE).await?;
        connection.execute_unprepared(WORDS).await?;
        let tables = "SELECT table_name::text FROM information_schema.columns \
                      WHERE table_schema = current_schema() AND column_name = 'workspace_id'";
        let tables = connection
            .query_all_raw(Statement::from_string(DbBackend::Postgres, tables))
            .await?;
        for row in tables {
            protect(manager, &row.try_get_by_index::<String>(0)?, "workspace_id").await?;
        }
        protect(manager, "workspaces", "id").await
    }
}

/// Puts a policy on a table whose `column` says to which workspace a row belongs: to be called by every later migration
/// that makes such a table. Does nothing on SQLite.
///
/// # Errors
/// The database.
pub async fn protect(manager: &SchemaManager<'_>, table: &str, column: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // In sub-selects, so that each is evaluated once a statement and not once a row.
    let scope = "nullif(current_setting('leads.scope', true), '')";
    let policy = format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
         ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
         CREATE POLICY entered ON {table}
             USING ({column} = (SELECT nullif({scope}, 'all')::uuid) OR (SELECT {scope} = 'all'))"
    );
    manager.get_connection().execute_unprepared(&policy).await?;
    Ok(())
}

/// Enters all workspaces until the transaction ends: for migrations that change rows.
///
/// # Errors
/// The database.
pub async fn enter_all(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        manager
            .get_connection()
            .execute_unprepared("SELECT CAST('all'::text AS leads_scope)")
            .await?;
    }
    Ok(())
}

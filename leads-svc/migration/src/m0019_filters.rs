//! What filters look at beside the lead's own columns: the points of each part of a score, on Postgres a row per tag, and
//! words by the part of the profile that they are in.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::m0015_isolation::{enter_all, protect};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// A search in JSON is no condition that an index answers before a policy does (see `m0015_isolation`); equality of texts
/// is. So each tag has a row, which triggers keep.
const TAGS: &str = "
    CREATE TABLE lead_tags (
        workspace_id uuid NOT NULL, tag text COLLATE \"C\" NOT NULL, lead_id uuid NOT NULL,
        PRIMARY KEY (workspace_id, tag, lead_id)
    );
    INSERT INTO lead_tags SELECT workspace_id, jsonb_array_elements_text(tags), id FROM leads;

    CREATE FUNCTION lead_tags_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            DELETE FROM lead_tags WHERE workspace_id = OLD.workspace_id AND lead_id = OLD.id
                AND tag IN (SELECT jsonb_array_elements_text(OLD.tags));
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO lead_tags SELECT NEW.workspace_id, jsonb_array_elements_text(NEW.tags), NEW.id;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER lead_tags_added AFTER INSERT ON leads
        FOR EACH ROW WHEN (NEW.tags <> '[]'::jsonb) EXECUTE FUNCTION lead_tags_kept();
    CREATE TRIGGER lead_tags_changed AFTER UPDATE OF tags ON leads
        FOR EACH ROW WHEN (OLD.tags <> NEW.tags) EXECUTE FUNCTION lead_tags_kept();
    CREATE TRIGGER lead_tags_removed AFTER DELETE ON leads
        FOR EACH ROW WHEN (OLD.tags <> '[]'::jsonb) EXECUTE FUNCTION lead_tags_kept();
";

/// Words are hashed with the part of the profile that they are in: people whose words were not are indexed anew, workspace
/// by workspace.
const INDEXED_ANEW: &str = "
    INSERT INTO renewals (workspace_id, kind, not_before, contacts)
        SELECT id, 'index', created_at, 0 FROM workspaces WHERE true
        ON CONFLICT (workspace_id, kind) DO UPDATE
        SET not_before = excluded.not_before, cursor_at = NULL, cursor_id = NULL, contacts = 0;
";

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let points = Table::alter()
            .table("scores")
            .add_column(json_binary_null("points"))
            .to_owned();
        manager.alter_table(points).await?;
        enter_all(manager).await?;
        manager.get_connection().execute_unprepared(INDEXED_ANEW).await?;
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        manager.get_connection().execute_unprepared(TAGS).await?;
        protect(manager, "lead_tags", "workspace_id").await
    }
}

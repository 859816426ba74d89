//! The database role that the service works as: one that Postgres holds to the policies, and that changes no tables.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::{Store, error::Result};

impl Store {
    /// Gives a role what the service needs of this database, on Postgres: rows of all tables, but not the change of what
    /// the audit log holds, and no tables of its own; and of the key store, if that is on Postgres. To be called by the
    /// tables' owner, after each migration.
    ///
    /// # Errors
    /// The database, or a name that no role can have without quotes.
    pub async fn grant_to(&self, role: &str) -> Result<()> {
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if role.is_empty() || !role.chars().all(is_name) {
            let problem = format!("{role:?} is not a role's name: lower-case letters, digits and _");
            return Err(DbErr::Custom(problem).into());
        }
        self.key_store.grant_to(role).await?;
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        let schema = "SELECT current_schema()::text AS name";
        let schema = Statement::from_string(DbBackend::Postgres, schema);
        let Some(schema) = self.reader().query_one_raw(schema).await? else {
            return Ok(());
        };
        let schema: String = schema.try_get("", "name")?;
        let grants = format!(
            "GRANT USAGE ON SCHEMA \"{schema}\" TO \"{role}\";
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{role}\";
             REVOKE UPDATE, DELETE ON audit, audit_anchors FROM \"{role}\";
             REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM \"{role}\""
        );
        self.reader().execute_unprepared(&grants).await?;
        Ok(())
    }

    /// Whether the policies do not hold the role that this store works as: a superuser, or one with BYPASSRLS. Never on
    /// SQLite, which has none.
    ///
    /// # Errors
    /// The database.
    pub async fn bypasses_policies(&self) -> Result<bool> {
        if self.backend() != DbBackend::Postgres {
            return Ok(false);
        }
        let asked = "SELECT rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user";
        let asked = Statement::from_string(DbBackend::Postgres, asked);
        let row = self.reader().query_one_raw(asked).await?;
        Ok(row
            .map(|row| row.try_get("", "bypasses"))
            .transpose()?
            .unwrap_or(true))
    }
}

//! The key store: a secret per contact, in a database of its own with short backups of its own.
//!
//! Stored: secrets wrapped by a root key, root keys wrapped by the key-encryption key. A secret that was destroyed leaves
//! its id, so that it can be told from one that was lost.
//!
//! Moves: secrets are made ahead, many in a commit, and wait in this process for contacts; which contact has which one
//! stands in the contact's row and nowhere else. Opened ones are kept for a few seconds.
//!
//! Holds: a secret is durable before a contact refers to it, and is handed out once, so that no two contacts share one. A
//! process that ends loses those that waited: no contact ever had them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use leads_migration::KeyStoreMigrator;
use leads_runtime::clock::Clock;
use moka::future::Cache;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

use super::{
    connect_options,
    crypto::{Cipher, Secret},
    error::Result,
    sqlite_options,
};

mod pool;
mod roots;
mod secrets;

pub use pool::Fresh;
use pool::Pool;
use roots::Roots;

/// Schema on Postgres, so that it can be dumped, and left out of dumps, by its name.
const SCHEMA: &str = "leads_keys";
/// Longest time that a secret is kept opened. It bounds how long a replica can still read whom another one erased.
const KEPT: Duration = Duration::from_secs(4);
/// Opened secrets that are kept.
const MAX_KEPT: u64 = 4_096;

/// See the module.
#[derive(Debug, Clone)]
pub struct KeyStore {
    database: DatabaseConnection,
    opened: Cache<Uuid, Arc<Secret>>,
    pool: Arc<Pool>,
    roots: Arc<RwLock<Option<Arc<Roots>>>>,
    clock: Clock,
}

/// What the key store knows of some keys.
#[derive(Debug, Default)]
pub struct Found {
    /// Secrets by the ids of their keys.
    pub secrets: HashMap<Uuid, Arc<Secret>>,
    /// Keys that were destroyed.
    pub destroyed: HashSet<Uuid>,
    /// Those of them that were destroyed because their person was erased.
    pub erased: HashSet<Uuid>,
}

impl KeyStore {
    /// Connects; does not migrate.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn connect(url: &str, connections: u32, clock: Clock) -> Result<Self> {
        let mut options = connect_options(url, connections);
        if url.starts_with("sqlite:") {
            // What was destroyed is overwritten.
            options.map_sqlx_sqlite_opts(|sqlite| sqlite_options(sqlite).pragma("secure_delete", "ON"));
        } else {
            options.set_schema_search_path(SCHEMA);
        }
        Ok(Self {
            database: Database::connect(options).await?,
            opened: Cache::builder().max_capacity(MAX_KEPT).time_to_live(KEPT).build(),
            pool: Arc::default(),
            roots: Arc::default(),
            clock,
        })
    }

    /// Applies the migrations that it lacks.
    ///
    /// # Errors
    /// A statement failed; what was applied before stays.
    pub async fn migrate(&self) -> Result<()> {
        if !self.has_schema().await? {
            let create = format!("CREATE SCHEMA {SCHEMA}");
            self.database.execute_unprepared(&create).await?;
        }
        Ok(KeyStoreMigrator::up(&self.database, None).await?)
    }

    /// Whether every migration is applied.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn is_migrated(&self) -> Result<bool> {
        Ok(self.has_schema().await?
            && KeyStoreMigrator::get_pending_migrations_read_only(&self.database)
                .await?
                .is_empty())
    }

    /// Gives a role what the service needs of it, on Postgres. The role's name has been checked.
    ///
    /// # Errors
    /// The database: it has no such role.
    pub(super) async fn grant_to(&self, role: &str) -> Result<()> {
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        let grants = format!(
            "GRANT USAGE ON SCHEMA {SCHEMA} TO \"{role}\";
             GRANT SELECT, INSERT, UPDATE, DELETE ON {SCHEMA}.key_roots TO \"{role}\";
             GRANT SELECT, INSERT, UPDATE ON {SCHEMA}.contact_keys TO \"{role}\";
             GRANT SELECT ON {SCHEMA}.seaql_migrations TO \"{role}\""
        );
        self.database.execute_unprepared(&grants).await?;
        Ok(())
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.database.ping().await?)
    }

    async fn has_schema(&self) -> Result<bool> {
        if self.backend() != DbBackend::Postgres {
            return Ok(true);
        }
        let named = format!("SELECT 1 AS found FROM pg_namespace WHERE nspname = '{SCHEMA}'");
        let statement = Statement::from_string(DbBackend::Postgres, named);
        Ok(self.database.query_one_raw(statement).await?.is_some())
    }

    fn backend(&self) -> DbBackend {
        self.database.get_database_backend()
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn known_roots(&self) -> Option<Arc<Roots>> {
        self.roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where the key store is unless it is said: a second file beside SQLite's, a schema beside Postgres's tables.
pub fn beside(url: &str) -> String {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return url.to_owned();
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (rest, String::new()),
    };
    if path.ends_with(":memory:") {
        return url.to_owned();
    }
    let path = path.strip_suffix(".db").unwrap_or(path);
    format!("sqlite:{path}.keys.db{query}")
}

/// What a wrapped secret is authenticated with.
fn associated(id: Uuid) -> Vec<u8> {
    [b"contact_keys.wrapped ".as_slice(), id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_store_is_beside_the_database_unless_it_is_said() {
        assert_eq!(
            beside("sqlite://leads.db?mode=rwc"),
            "sqlite://leads.keys.db?mode=rwc"
        );
        assert_eq!(beside("sqlite:///data/leads"), "sqlite:///data/leads.keys.db");
        assert_eq!(beside("postgres://u:p@host/leads"), "postgres://u:p@host/leads");
    }

    #[tokio::test]
    async fn a_file_is_made_where_there_is_none_and_written_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.db");
        let url = format!("sqlite:{}", file.display());
        let store = KeyStore::connect(&url, 1, Clock::system()).await.unwrap();
        store.migrate().await.unwrap();
        let header = std::fs::read(&file).unwrap();
        // The file format's versions for writing and reading: 2 is a write-ahead log.
        assert_eq!(header.get(18..20), Some([2, 2].as_slice()));
    }
}

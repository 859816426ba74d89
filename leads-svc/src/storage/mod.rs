//! The database: the only code that names SeaORM.
//!
//! Stored: one file per aggregate below, one table per file in `entity`. Moves: callers begin a [`Transaction`] for
//! writes and commit it explicitly; dropping it rolls back. Holds: rows of a workspace are reached through `scope` only.

use std::{future, sync::Arc, time::Duration};

use leads_runtime::clock::Clock;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
    sqlx::{Connection as _, sqlite::SqliteConnectOptions},
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::Mutex;

pub mod activities;
pub mod audit;
pub mod capture;
mod checked;
pub mod connections;
pub mod consents;
pub mod contacts;
pub mod crypto;
pub mod deletion;
pub mod entity;
pub mod erasures;
pub mod error;
mod filter_sql;
mod former_keys;
pub mod idempotency;
pub mod identities;
mod insert;
pub mod jobs;
pub mod keyring;
pub mod keys;
pub mod keystore;
pub mod leads;
pub mod members;
pub mod merges;
pub mod messages;
mod order_sql;
pub mod plans;
pub mod reindexing;
pub mod rekeying;
pub mod renewal;
pub mod replicas;
pub mod restored;
pub mod retention;
pub mod roles;
pub mod rotation;
mod rows;
pub mod scope;
pub mod scores;
mod sealing;
pub mod seals;
pub mod sessions;
mod standings;
mod status_sql;
pub mod tasks;
pub mod token_leases;
pub mod transaction;
pub mod usage;
mod words;
pub mod workspaces;

pub use error::{Error, Result};
pub use transaction::Transaction;

use crate::domain::plan::Plan;
use crypto::KeyEncryptionKeys;
use keyring::Keyring;
use keystore::KeyStore;

/// Longest wait for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for a lock that another transaction holds.
const LOCK_TIMEOUT_MS: u32 = 2_000;
/// Readers of SQLite: each has a thread and a cache of its own, and more of them do not make a disk faster.
const SQLITE_READERS: u32 = 4;
/// Connections to the key store: few, since most of what is read of it is kept.
const KEY_STORE_CONNECTIONS: u32 = 4;
/// Pages that a SQLite connection keeps, in KiB as SQLite writes it; the system's own cache holds the rest.
const SQLITE_CACHE: &str = "-1000";
/// A pooled connection that rested longer is tested before use.
const IDLE_BEFORE_TEST: Duration = Duration::from_secs(30);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite://…` or `postgres://…`.
    pub url: String,
    /// Most connections; SQLite gets few anyway.
    pub max_connections: u32,
}

/// The database and the keys of what it holds.
#[derive(Debug, Clone)]
pub struct Store {
    database: DatabaseConnection,
    sqlite_writer: Option<SqliteWriter>,
    keyring: Arc<Keyring>,
    key_store: KeyStore,
    default_plan: Plan,
    clock: Clock,
}

/// SQLite takes one writer at a time: waiting here is fair, waiting in SQLite is not. Its one connection keeps what it
/// has prepared.
#[derive(Debug, Clone)]
struct SqliteWriter {
    database: DatabaseConnection,
    turn: Arc<Mutex<()>>,
}

impl Store {
    /// Connects, with the key store where it is unless it is said; does not migrate.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn connect(
        options: &Options,
        keks: impl Into<KeyEncryptionKeys>,
        clock: Clock,
    ) -> Result<Self> {
        Self::connect_with(options, &keystore::beside(&options.url), keks, clock).await
    }

    /// Connects, with the key store at `keys`; does not migrate.
    ///
    /// # Errors
    /// One of the databases cannot be reached.
    pub async fn connect_with(
        options: &Options,
        keys: &str,
        keks: impl Into<KeyEncryptionKeys>,
        clock: Clock,
    ) -> Result<Self> {
        let Options { url, max_connections } = options;
        let (readers, sqlite_writer) = if url.starts_with("sqlite:") {
            let writer = SqliteWriter {
                database: Database::connect(connect_options(url, 1)).await?,
                turn: Arc::default(),
            };
            (SQLITE_READERS.min(*max_connections), Some(writer))
        } else {
            (*max_connections, None)
        };
        let connections = KEY_STORE_CONNECTIONS.min(*max_connections);
        let store = Self {
            database: Database::connect(connect_options(url, readers)).await?,
            sqlite_writer,
            keyring: Arc::new(Keyring::new(keks.into())),
            key_store: KeyStore::connect(keys, connections, clock.clone()).await?,
            default_plan: Plan::Enterprise,
            clock,
        };
        // Where nothing is migrated yet there is nothing to load; whoever needs it says what is wrong.
        if let Err(error) = store.load_secrets().await {
            tracing::debug!(error = %error, "no secrets are loaded yet");
        }
        Ok(store)
    }

    /// Opens the secrets of the installation and of the key store.
    ///
    /// # Errors
    /// A database, or a secret that another key-encryption key wrapped.
    pub async fn load_secrets(&self) -> Result<()> {
        self.load_installation().await?;
        self.key_store.load(self.keyring.keks()).await?;
        Ok(())
    }

    /// The same store, whose new workspaces get this plan instead of the largest.
    #[must_use]
    pub fn with_default_plan(mut self, plan: Plan) -> Self {
        self.default_plan = plan;
        self
    }

    /// Plan of new workspaces.
    pub fn default_plan(&self) -> Plan {
        self.default_plan
    }

    /// Applies the migrations that the databases lack, and makes the secrets that there have to be.
    ///
    /// # Errors
    /// A statement failed; what was applied before stays.
    pub async fn migrate(&self) -> Result<()> {
        leads_migration::Migrator::up(&self.database, None).await?;
        self.key_store.migrate().await?;
        if self.count_unreadable_workspaces().await? > 0 {
            // Whoever starts with another key-encryption key is told so; here the schema alone counts.
            return Ok(());
        }
        self.found_installation().await?;
        self.key_store.found(self.keyring.keks()).await
    }

    /// Whether every migration is applied.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn is_migrated(&self) -> Result<bool> {
        let pending = leads_migration::Migrator::get_pending_migrations_read_only(&self.database).await?;
        Ok(pending.is_empty() && self.key_store.is_migrated().await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not, or the key store does not.
    pub async fn ping(&self) -> Result<()> {
        self.database.ping().await?;
        self.key_store.ping().await
    }

    /// The one clock of everything that is stored.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Transactions that can write side by side and gain from it: while one waits for the disk, another is prepared.
    pub fn writers(&self) -> usize {
        if self.sqlite_writer.is_some() { 1 } else { 2 }
    }

    /// The contacts' keys.
    pub fn key_store(&self) -> &KeyStore {
        &self.key_store
    }

    /// Keys of workspaces.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// How far the database's clock is ahead of this process's; zero on SQLite, which has none of its own.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn clock_skew(&self) -> Result<chrono::TimeDelta> {
        if self.sqlite_writer.is_some() {
            return Ok(chrono::TimeDelta::zero());
        }
        let asked = std::time::Instant::now();
        let statement = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp() AS at");
        let row = self.database.query_one_raw(statement).await?;
        let there: chrono::DateTime<chrono::Utc> = match row {
            Some(row) => row.try_get("", "at")?,
            None => return Ok(chrono::TimeDelta::zero()),
        };
        let answered_for = chrono::TimeDelta::from_std(asked.elapsed() / 2).unwrap_or_default();
        Ok(there - (self.clock.now() - self.clock.offset() - answered_for))
    }

    fn backend(&self) -> DbBackend {
        self.database.get_database_backend()
    }

    /// For reads outside a transaction.
    fn reader(&self) -> &DatabaseConnection {
        &self.database
    }
}

fn sqlite_options(sqlite: SqliteConnectOptions) -> SqliteConnectOptions {
    sqlite
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "FULL")
        .pragma("cache_size", SQLITE_CACHE)
}

fn connect_options(url: &str, connections: u32) -> ConnectOptions {
    let mut connect = ConnectOptions::new(url);
    connect
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(Duration::from_secs(5))
        .sqlx_logging(false)
        .test_before_acquire_if_idle_for(IDLE_BEFORE_TEST)
        .map_sqlx_sqlite_opts(sqlite_options)
        .map_sqlx_postgres_pool_opts(|pool| {
            // A connection keeps the buffers of its largest statement otherwise, and group writes are large.
            pool.after_release(|connection, _| {
                connection.shrink_buffers();
                Box::pin(future::ready(Ok(true)))
            })
        })
        .map_sqlx_postgres_opts(|postgres| {
            postgres.application_name("leads-svc").options([
                ("lock_timeout", LOCK_TIMEOUT_MS.to_string()),
                ("statement_timeout", "30000".to_owned()),
            ])
        });
    connect
}

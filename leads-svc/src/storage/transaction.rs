//! A write in progress, and what it expects to find.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::OwnedMutexGuard;

use super::{
    Store, audit,
    error::{Error, Result},
    insert::NewRows,
    scope::Reach,
};

/// What was there before a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prior {
    /// Nothing: the row is new.
    Absent,
    /// The row, at this revision.
    At(i64),
}

/// A write in progress. Dropped without [`commit`](Self::commit) it leaves nothing behind.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    _turn: Option<OwnedMutexGuard<()>>,
    pub(super) anchors: Mutex<Vec<audit::Passed>>,
}

impl Store {
    /// Starts a transaction for writes.
    ///
    /// # Errors
    /// No connection is free, or the database is away.
    pub async fn begin(&self) -> Result<Transaction> {
        let (database, turn) = match &self.sqlite_writer {
            Some(writer) => (
                &writer.database,
                Some(Arc::clone(&writer.turn).lock_owned().await),
            ),
            None => (&self.database, None),
        };
        let inner = database
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        Ok(Transaction {
            inner,
            _turn: turn,
            anchors: Mutex::default(),
        })
    }
}

impl Transaction {
    /// Inserts rows of one table, all of what `reach` says.
    ///
    /// # Errors
    /// `Conflict` if a row of the same key is there.
    pub(super) async fn insert<E>(&self, reach: impl Into<Reach>, rows: Vec<E::Model>) -> Result<()>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        NewRows::of(self.inner.get_database_backend(), reach.into())
            .and::<E>(rows)?
            .insert(&self.inner)
            .await
    }

    /// Enters what the following statements are about that do not say so themselves.
    ///
    /// # Errors
    /// The database.
    pub(super) async fn enter(&self, reach: Reach) -> Result<()> {
        let backend = self.inner.get_database_backend();
        if backend == DbBackend::Postgres {
            let sql = format!("SELECT CAST($1 AS {})", Reach::TYPE);
            let entrance = Statement::from_sql_and_values(backend, sql, [reach.word().into()]);
            self.inner.execute_raw(entrance).await?;
        }
        Ok(())
    }

    /// Makes the write durable.
    ///
    /// # Errors
    /// It is not known whether the write took place if the database became unavailable.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        audit::tell(self.anchors);
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

/// A change whose compare did not hold is a conflict.
pub(super) fn moved_unless(holds: bool, constraint: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::Conflict {
            constraint: constraint.to_owned(),
        })
    }
}

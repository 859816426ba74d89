//! Secrets of contacts: made, looked up, destroyed.
#![expect(
    clippy::disallowed_methods,
    reason = "the key store has no workspaces: its rows are ids and secrets"
)]

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, SqliteTransactionMode,
    TransactionOptions, TransactionTrait, sea_query::Expr,
};
use uuid::Uuid;

use super::{Found, Fresh, KeyStore};
use crate::storage::{
    crypto::{KeyEncryptionKeys, new_secret},
    entity::contact_key,
    error::{Error, Result},
    insert::NewRows,
    scope,
};

impl KeyStore {
    /// Secrets of some keys, in at most one query. Keys that are not there are in neither list.
    ///
    /// # Errors
    /// The database, or a secret that cannot be read.
    pub async fn secrets(&self, keks: &KeyEncryptionKeys, ids: HashSet<Uuid>) -> Result<Found> {
        let mut found = Found::default();
        let mut missing = Vec::new();
        for id in ids {
            match self.opened.get(&id).await {
                Some(secret) => {
                    found.secrets.insert(id, secret);
                }
                None => missing.push(id),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = contact_key::Entity::find()
            .filter(scope::among(contact_key::Column::Id, missing, self.backend()))
            .all(&self.database)
            .await?;
        let mut roots = self.known_roots();
        let is_known = |row: &contact_key::Model| {
            let roots = roots.as_ref();
            roots.is_some_and(|roots| roots.ciphers.contains_key(&row.root))
        };
        if !rows.iter().all(is_known) {
            self.load(keks).await?;
            roots = self.known_roots();
        }
        for row in rows {
            if row.erased {
                found.erased.insert(row.id);
            }
            let Some(wrapped) = &row.wrapped else {
                found.destroyed.insert(row.id);
                continue;
            };
            let roots = roots.as_ref().ok_or_else(no_root)?;
            let secret = Arc::new(roots.open(&row, wrapped)?);
            self.opened.insert(row.id, Arc::clone(&secret)).await;
            found.secrets.insert(row.id, secret);
        }
        Ok(found)
    }

    /// Makes some, durably.
    pub(super) async fn make(&self, keks: &KeyEncryptionKeys, count: usize) -> Result<Vec<Fresh>> {
        // Anew each time: another process may have made another root.
        self.load(keks).await?;
        let Some(roots) = self.known_roots() else {
            return Err(no_root());
        };
        let now = self.now();
        let (mut fresh, mut rows) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            let (id, secret) = (leads_runtime::ids::new_id(&self.clock), new_secret());
            rows.push(contact_key::Model {
                id,
                root: roots.newest,
                wrapped: Some(roots.wrap(id, &secret)?),
                created_at: now,
                destroyed_at: None,
                erased: false,
            });
            fresh.push(Fresh {
                id,
                secret: Arc::new(secret),
            });
        }
        let transaction = self.begin().await?;
        NewRows::of_no_workspace(self.backend())
            .and::<contact_key::Entity>(rows)?
            .insert(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(fresh)
    }

    /// Keeps a secret that was handed out: whatever it seals is soon read.
    pub(super) async fn keep(&self, fresh: &Fresh) {
        self.opened.insert(fresh.id, Arc::clone(&fresh.secret)).await;
    }

    /// Destroys secrets; what they seal can be read by nobody from then on, here at once, on other replicas within
    /// seconds. It is remembered of those whose person was `erased`. Those that are destroyed already stay as they are.
    ///
    /// # Errors
    /// The database.
    pub async fn destroy(&self, ids: &[Uuid], erased: bool) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let transaction = self.begin().await?;
        contact_key::Entity::update_many()
            .filter(scope::among(
                contact_key::Column::Id,
                ids.iter().copied(),
                self.backend(),
            ))
            .filter(contact_key::Column::DestroyedAt.is_null())
            .col_expr(contact_key::Column::Wrapped, Expr::value(None::<Vec<u8>>))
            .col_expr(contact_key::Column::Erased, Expr::value(erased))
            .col_expr(
                contact_key::Column::DestroyedAt,
                Expr::value(Some::<DateTime<Utc>>(self.now())),
            )
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        for id in ids {
            self.opened.invalidate(id).await;
        }
        if self.backend() == sea_orm::DbBackend::Sqlite {
            // The journal holds what was there before until it is written back.
            let truncated = self
                .database
                .execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)");
            truncated.await?;
        }
        Ok(())
    }

    pub(super) async fn begin(&self) -> Result<DatabaseTransaction> {
        Ok(self
            .database
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?)
    }
}

fn no_root() -> Error {
    Error::inconsistent(
        "key_roots",
        "number",
        0,
        "there is no root key: run leads-svc migrate",
    )
}

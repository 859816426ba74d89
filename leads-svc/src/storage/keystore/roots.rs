//! Keys that wrap the contacts' secrets.
#![expect(
    clippy::disallowed_methods,
    reason = "the key store has no workspaces: its rows are ids and secrets"
)]

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{Cipher, KeyStore, associated};
use crate::storage::{
    crypto::{Error as Refused, Header, KeyEncryptionKeys, Purpose, Secret, Wrapped, new_secret},
    entity::{contact_key, key_root},
    error::{Error, Result},
    insert::NewRows,
};

/// Secrets that are wrapped anew in one transaction.
const BATCH: u64 = 500;
/// Age at which every process wraps with a root: each reads the newest before it wraps.
const KNOWN_EVERYWHERE: TimeDelta = TimeDelta::hours(1);

/// The roots, opened.
#[derive(Default)]
pub(super) struct Roots {
    pub(super) newest: i16,
    pub(super) ciphers: HashMap<i16, Cipher>,
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roots")
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

impl Roots {
    pub(super) fn open(&self, row: &contact_key::Model, wrapped: &[u8]) -> Result<Secret> {
        let unreadable = |problem| Error::inconsistent("contact_keys", "wrapped", row.id, problem);
        let cipher = self.ciphers.get(&row.root);
        let cipher = cipher.ok_or_else(|| unreadable(Refused::UnknownKeyEncryptionKey))?;
        let bytes = zeroize::Zeroizing::new(cipher.open(wrapped, &associated(row.id)).map_err(unreadable)?);
        let bytes: [u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| unreadable(Refused::Format))?;
        Ok(Secret::new(bytes))
    }

    pub(super) fn wrap(&self, id: Uuid, secret: &Secret) -> Result<Vec<u8>> {
        let unreadable = |problem| Error::inconsistent("key_roots", "wrapped", self.newest, problem);
        let cipher = self.ciphers.get(&self.newest);
        let cipher = cipher.ok_or_else(|| unreadable(Refused::UnknownKeyEncryptionKey))?;
        let header = Header {
            number: 1,
            contact_key: None,
        };
        cipher
            .seal(header, secret.as_slice(), &associated(id))
            .map_err(unreadable)
    }
}

fn root(number: i16) -> Wrapped {
    Wrapped {
        workspace: Uuid::nil(),
        purpose: Purpose::Root,
        number,
    }
}

impl KeyStore {
    /// Opens the roots; false if there are none.
    ///
    /// # Errors
    /// The database, or a root that another key-encryption key wrapped.
    pub async fn load(&self, keks: &KeyEncryptionKeys) -> Result<bool> {
        let rows = key_root::Entity::find()
            .order_by_asc(key_root::Column::Number)
            .all(&self.database)
            .await?;
        let mut roots = Roots::default();
        for row in rows {
            let unreadable = |problem| Error::inconsistent("key_roots", "wrapped", row.number, problem);
            let bytes = keks
                .unwrap(&row.kek_id, root(row.number), &row.wrapped)
                .map_err(unreadable)?;
            let bytes: [u8; 32] = bytes
                .as_slice()
                .try_into()
                .map_err(|_| unreadable(Refused::Format))?;
            roots.ciphers.insert(row.number, Cipher::new(Secret::new(bytes)));
            roots.newest = row.number;
        }
        let is_there = roots.newest > 0;
        if is_there {
            *self.roots.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(roots));
        }
        Ok(is_there)
    }

    /// Makes the first root if there is none.
    ///
    /// # Errors
    /// The database, or a root that another key-encryption key wrapped.
    pub async fn found(&self, keks: &KeyEncryptionKeys) -> Result<()> {
        if self.load(keks).await? {
            return Ok(());
        }
        match self.add_root(keks, 1).await {
            Ok(()) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        self.load(keks).await.map(drop)
    }

    async fn add_root(&self, keks: &KeyEncryptionKeys, number: i16) -> Result<()> {
        let kek = keks.current();
        let wrapped = kek
            .wrap(root(number), new_secret().as_slice())
            .map_err(|problem| Error::inconsistent("key_roots", "wrapped", number, problem))?;
        let row = key_root::Model {
            number,
            wrapped,
            kek_id: kek.id().to_owned(),
            created_at: self.now(),
        };
        NewRows::of_no_workspace(self.backend())
            .and::<key_root::Entity>(vec![row])?
            .insert(&self.database)
            .await
    }

    /// Wraps roots of another key-encryption key by the current one; returns how many.
    ///
    /// # Errors
    /// The database, or a root that a key wrapped which is not configured.
    pub async fn rewrap_roots(&self, keks: &KeyEncryptionKeys) -> Result<usize> {
        let kek = keks.current();
        let rows = key_root::Entity::find()
            .filter(key_root::Column::KekId.ne(kek.id()))
            .all(&self.database)
            .await?;
        for row in &rows {
            let unreadable = |problem| Error::inconsistent("key_roots", "wrapped", row.number, problem);
            let secret = keks
                .unwrap(&row.kek_id, root(row.number), &row.wrapped)
                .map_err(unreadable)?;
            let wrapped = kek.wrap(root(row.number), &secret).map_err(unreadable)?;
            key_root::Entity::update_many()
                .filter(key_root::Column::Number.eq(row.number))
                .filter(key_root::Column::KekId.eq(row.kek_id.as_str()))
                .col_expr(key_root::Column::Wrapped, Expr::value(wrapped))
                .col_expr(key_root::Column::KekId, Expr::value(kek.id()))
                .exec(&self.database)
                .await?;
        }
        Ok(rows.len())
    }

    /// How many roots a key-encryption key wrapped that is not configured.
    ///
    /// # Errors
    /// The database.
    pub async fn count_unreadable_roots(&self, keks: &KeyEncryptionKeys) -> Result<usize> {
        let rows = key_root::Entity::find().all(&self.database).await?;
        let unreadable = rows.iter().filter(|row| keks.ids().all(|id| id != row.kek_id));
        Ok(unreadable.count())
    }

    /// Makes a new root, wraps every secret by it, and forgets the roots before it. Can be repeated if it was broken off.
    /// Returns how many secrets were wrapped.
    ///
    /// # Errors
    /// The database, or a secret that cannot be read.
    pub async fn rotate_root(&self, keks: &KeyEncryptionKeys) -> Result<u64> {
        self.load(keks).await?;
        let last = self.known_roots().map_or(0, |roots| roots.newest);
        let first_left = self.oldest_root().await?;
        // One that was broken off goes on with the root that it made.
        if first_left.is_none_or(|oldest| oldest == last) {
            self.add_root(keks, last.saturating_add(1)).await?;
            self.load(keks).await?;
        }
        self.rewrap_all().await
    }

    async fn rewrap_all(&self) -> Result<u64> {
        let mut wrapped = 0;
        loop {
            let some = self.rewrap_secrets().await?;
            if some == 0 {
                return Ok(wrapped);
            }
            wrapped += some;
        }
    }

    /// The oldest root that wraps a secret.
    async fn oldest_root(&self) -> Result<Option<i16>> {
        Ok(contact_key::Entity::find()
            .select_only()
            .column(contact_key::Column::Root)
            .filter(contact_key::Column::Wrapped.is_not_null())
            .order_by_asc(contact_key::Column::Root)
            .limit(1)
            .into_tuple()
            .one(&self.database)
            .await?)
    }

    /// Wraps some secrets of older roots by the newest; returns how many.
    async fn rewrap_secrets(&self) -> Result<u64> {
        let Some(roots) = self.known_roots() else {
            return Ok(0);
        };
        let rows = contact_key::Entity::find()
            .filter(contact_key::Column::Root.lt(roots.newest))
            .filter(contact_key::Column::Wrapped.is_not_null())
            .limit(BATCH)
            .all(&self.database)
            .await?;
        let count = rows.len() as u64;
        let transaction = self.begin().await?;
        for row in rows {
            let Some(wrapped) = &row.wrapped else { continue };
            let secret = roots.open(&row, wrapped)?;
            // One that is destroyed meanwhile stays so.
            contact_key::Entity::update_many()
                .filter(contact_key::Column::Id.eq(row.id))
                .filter(contact_key::Column::Wrapped.is_not_null())
                .col_expr(
                    contact_key::Column::Wrapped,
                    Expr::value(roots.wrap(row.id, &secret)?),
                )
                .col_expr(contact_key::Column::Root, Expr::value(roots.newest))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(count)
    }

    /// Deletes roots that nobody wraps with: the newest is an hour old. What was wrapped by an older one while that was
    /// replaced is wrapped anew first. Returns how many.
    ///
    /// # Errors
    /// The database, or a secret that cannot be read.
    pub async fn forget_roots(&self, keks: &KeyEncryptionKeys) -> Result<u64> {
        let newest = key_root::Entity::find()
            .order_by_desc(key_root::Column::Number)
            .one(&self.database)
            .await?;
        let old_enough = |row: &key_root::Model| self.now() - row.created_at > KNOWN_EVERYWHERE;
        let Some(newest) = newest.filter(old_enough) else {
            return Ok(0);
        };
        let newest = newest.number;
        self.load(keks).await?;
        self.rewrap_all().await?;
        let oldest = self.oldest_root().await?;
        let deleted = key_root::Entity::delete_many()
            .filter(key_root::Column::Number.lt(oldest.unwrap_or(newest).min(newest)))
            .exec(&self.database)
            .await?;
        Ok(deleted.rows_affected)
    }
}

//! Keys that take the place of others, at every level, while calls go on.
//!
//! A new data or index key is announced first and used only after every replica has read it, so that nobody meets what
//! they cannot open or find. What is sealed or indexed under the old one is then renewed in the background.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Store, Transaction, audit,
    crypto::{Purpose, WorkspaceKeys, Wrapped, new_secret},
    entity::{contact, data_key, former_key, renewal, workspace},
    error::Result,
    former_keys,
    renewal::{self as walks, Kind, SETTLED},
    scope,
};
use crate::domain::{
    audit::{Act, Action},
    ids,
};

/// From when a key is stored until it is used: longer than any replica keeps what it read before.
pub(super) const ANNOUNCED: TimeDelta = TimeDelta::seconds(10);
/// Secrets that are wrapped anew in one transaction.
const BATCH: u64 = 200;

/// What became of the wish for a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// It is announced, under this number.
    Announced(i16),
    /// It is in use.
    InUse,
    /// There is no such workspace or contact.
    Absent,
    /// The one before has not been replaced everywhere yet.
    UnderWay,
    /// All numbers are used up.
    Exhausted,
}

/// The numbers of a workspace's keys.
#[derive(Debug, Clone)]
pub struct KeyNumbers {
    /// Workspace; nil for the installation.
    pub workspace: Uuid,
    /// `data`, `index`, `audit` or `pepper`.
    pub purpose: String,
    /// The number.
    pub number: i16,
    /// Which key-encryption key wrapped it.
    pub kek: String,
}

impl Store {
    /// Wraps by the current key-encryption key what another one wrapped, everywhere; returns how many secrets. Can be
    /// repeated if it was broken off.
    ///
    /// # Errors
    /// A database, or a secret that a key wrapped which is not configured.
    pub async fn rewrap(&self) -> Result<usize> {
        let kek = self.keyring.kek().id().to_owned();
        let mut rewrapped = self.key_store.rewrap_roots(self.keyring.keks()).await?;
        loop {
            let found = scope::select_any::<data_key::Entity>()
                .filter(data_key::Column::KekId.ne(kek.as_str()))
                .limit(BATCH)
                .all(self.reader())
                .await?;
            if found.is_empty() {
                return Ok(rewrapped);
            }
            rewrapped += found.len();
            let transaction = self.begin().await?;
            for row in found {
                let secret = self.keyring.unwrap(&row)?;
                let purpose = row.purpose.as_str();
                let what = Wrapped {
                    workspace: row.workspace_id,
                    purpose: Purpose::parse(purpose).unwrap_or(Purpose::Data),
                    number: row.number,
                };
                let anew = self.keyring.wrap(what, &secret, row.active_at)?;
                scope::update::<data_key::Entity>(row.workspace_id)
                    .filter(data_key::Column::Purpose.eq(purpose))
                    .filter(data_key::Column::Number.eq(row.number))
                    .filter(data_key::Column::KekId.eq(row.kek_id.as_str()))
                    .col_expr(data_key::Column::Wrapped, Expr::value(anew.wrapped))
                    .col_expr(data_key::Column::KekId, Expr::value(anew.kek_id))
                    .exec(&*transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
    }

    /// Announces a new data key of a workspace, in the name of `by`. What the one before sealed is sealed anew in the
    /// background, then it is removed.
    ///
    /// # Errors
    /// The database.
    pub async fn rotate_data_key(&self, id: Uuid, by: &str) -> Result<Rotated> {
        self.rotate(id, Purpose::Data, Kind::Seals, by).await
    }

    /// Announces a new key of a workspace's blind indexes and search words, in the name of `by`. Contacts are indexed
    /// anew in the background.
    ///
    /// # Errors
    /// The database.
    pub async fn rotate_index_key(&self, id: Uuid, by: &str) -> Result<Rotated> {
        self.rotate(id, Purpose::Index, Kind::Indexes, by).await
    }

    async fn rotate(&self, id: Uuid, purpose: Purpose, walk: Kind, by: &str) -> Result<Rotated> {
        let now = self.clock.now();
        let chain = match self.find_workspace(id).await? {
            Some(_) => self.workspace_keys(id).await?,
            None => return Ok(Rotated::Absent),
        };
        let transaction = self.begin().await?;
        // Two at once take turns here.
        scope::select_any::<workspace::Entity>()
            .filter(workspace::Column::Id.eq(id))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let is_under_way = scope::select::<renewal::Entity>(id)
            .filter(renewal::Column::Kind.eq(walk.word()))
            .one(&*transaction)
            .await?
            .is_some();
        if is_under_way {
            return Ok(Rotated::UnderWay);
        }
        let rows = scope::select::<data_key::Entity>(id).all(&*transaction).await?;
        self.keep_first_secrets(&transaction, &rows).await?;
        let numbers = rows.iter().filter(|row| row.purpose == purpose.word());
        let number = numbers.map(|row| row.number).max().unwrap_or(1) + 1;
        if number > i16::from(u8::MAX) {
            return Ok(Rotated::Exhausted);
        }
        let secret = match purpose {
            Purpose::Index => Zeroizing::new([*new_secret(), *new_secret()].concat()),
            _ => Zeroizing::new(new_secret().to_vec()),
        };
        let what = Wrapped {
            workspace: id,
            purpose,
            number,
        };
        let row = self.keyring.wrap(what, &secret, now + ANNOUNCED)?;
        transaction.insert::<data_key::Entity>(id, vec![row]).await?;
        walks::begin(&transaction, id, walk, now + ANNOUNCED + SETTLED).await?;
        let act = Act::new(
            by,
            Action::EncryptionKeyRotated,
            ids::format::<ids::Workspace>(id),
        )
        .with("key", purpose.word())
        .with("number", number.to_string());
        audit::append(&transaction, &chain, id, act, now).await?;
        transaction.commit().await?;
        Ok(Rotated::Announced(number))
    }

    /// Index and audit keys of a workspace that only had a data key come from that: they are kept before it goes.
    async fn keep_first_secrets(&self, transaction: &Transaction, rows: &[data_key::Model]) -> Result<()> {
        let has = |purpose: Purpose| rows.iter().any(|row| row.purpose == purpose.word());
        if has(Purpose::Index) && has(Purpose::Audit) {
            return Ok(());
        }
        let first = rows
            .iter()
            .filter(|row| row.purpose == Purpose::Data.word())
            .min_by_key(|row| row.number);
        let Some(first) = first else { return Ok(()) };
        let (index, audit) = WorkspaceKeys::first_secrets(&self.keyring.secret(first)?);
        let mut kept = Vec::new();
        for (purpose, secret) in [(Purpose::Index, index), (Purpose::Audit, audit.to_vec())] {
            let what = Wrapped {
                workspace: first.workspace_id,
                purpose,
                number: 1,
            };
            if !has(purpose) {
                kept.push(
                    self.keyring
                        .wrap(what, &Zeroizing::new(secret), first.active_at)?,
                );
            }
        }
        transaction
            .insert::<data_key::Entity>(first.workspace_id, kept)
            .await
    }

    /// Gives a contact a new key, in the name of `by`, seals everything of it anew, and destroys the old one after a day, when no call and no
    /// kept answer can need it any more.
    ///
    /// # Errors
    /// The database or the key store.
    pub async fn rotate_contact_key(&self, workspace: Uuid, id: Uuid, by: &str) -> Result<Rotated> {
        let now = self.clock.now();
        let row = scope::select::<contact::Entity>(workspace)
            .filter(contact::Column::Id.eq(id))
            .filter(contact::Column::ErasedAt.is_null())
            .one(self.reader())
            .await?;
        let Some(row) = row else {
            return Ok(Rotated::Absent);
        };
        let chain = self.workspace_keys(workspace).await?;
        let fresh = self.key_store.take(self.keyring.keks()).await?;
        let transaction = self.begin().await?;
        let given = scope::update::<contact::Entity>(workspace)
            .filter(contact::Column::Id.eq(id))
            .filter(contact::Column::Revision.eq(row.revision))
            .col_expr(contact::Column::KeyId, Expr::value(Some(fresh.id)))
            .col_expr(contact::Column::Revision, Expr::value(row.revision + 1))
            .exec(&*transaction)
            .await?;
        if given.rows_affected == 0 {
            drop(transaction);
            return Box::pin(self.rotate_contact_key(workspace, id, by)).await;
        }
        let former = former_key::Model {
            key_id: row.key_id.unwrap_or_default(),
            ..former_keys::of_workspace(workspace, id, now)
        };
        former_keys::add(&transaction, vec![former]).await?;
        let act = Act::new(by, Action::EncryptionKeyRotated, ids::format::<ids::Contact>(id));
        audit::append(&transaction, &chain, workspace, act.with("key", "contact"), now).await?;
        transaction.commit().await?;
        self.renew_seals(workspace, id).await?;
        Ok(Rotated::InUse)
    }

    /// Numbers of all keys, for the operator.
    ///
    /// # Errors
    /// The database.
    pub async fn key_numbers(&self) -> Result<Vec<KeyNumbers>> {
        let found = scope::select_any::<data_key::Entity>()
            .order_by_asc(data_key::Column::WorkspaceId)
            .order_by_asc(data_key::Column::Purpose)
            .order_by_asc(data_key::Column::Number)
            .all(self.reader())
            .await?;
        let numbers = found.into_iter().map(|row| KeyNumbers {
            workspace: row.workspace_id,
            purpose: row.purpose,
            number: row.number,
            kek: row.kek_id,
        });
        Ok(numbers.collect())
    }

    /// Has contacts indexed anew after settings by which they are found were changed.
    pub(super) async fn settings_moved(
        &self,
        transaction: &Transaction,
        workspace: Uuid,
        now: DateTime<Utc>,
    ) -> Result<()> {
        walks::begin(transaction, workspace, Kind::Indexes, now + SETTLED).await
    }
}

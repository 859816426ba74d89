//! Secrets of the installation and of workspaces: unwrapped, kept for seconds, and made.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Store, Transaction,
    crypto::{
        self, IndexKey, KeyEncryptionKey, KeyEncryptionKeys, Purpose, Secret, WorkspaceKeys, Wrapped,
        new_secret,
    },
    entity::{api_key, data_key},
    error::{Error, Result},
    scope,
};

/// Keys kept before all are dropped and unwrapped anew.
const MAX_KEPT: usize = 10_000;
/// How long they are kept: a new key is used only after every replica has read it.
pub(super) const KEPT: TimeDelta = TimeDelta::seconds(2);

/// See the module.
#[derive(Debug)]
pub struct Keyring {
    keks: KeyEncryptionKeys,
    installation: RwLock<Option<Arc<Installation>>>,
    unwrapped: RwLock<HashMap<Uuid, Kept>>,
}

/// Keys of a workspace, and when they were read.
#[derive(Debug)]
struct Kept {
    read_at: DateTime<Utc>,
    keys: Arc<WorkspaceKeys>,
}

/// Secrets that belong to no workspace.
struct Installation {
    pepper: Secret,
    keys: Arc<WorkspaceKeys>,
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation").finish_non_exhaustive()
    }
}

impl Keyring {
    /// An empty ring.
    pub fn new(keks: KeyEncryptionKeys) -> Self {
        Self {
            keks,
            installation: RwLock::default(),
            unwrapped: RwLock::default(),
        }
    }

    /// The operator's keys.
    pub fn keks(&self) -> &KeyEncryptionKeys {
        &self.keks
    }

    /// The one that wraps.
    pub fn kek(&self) -> &KeyEncryptionKey {
        self.keks.current()
    }

    /// Keyed hash of a credential's secret; none if the installation's own secrets cannot be opened.
    pub fn digest(&self, secret: &str) -> Option<[u8; 32]> {
        let installation = self.installation()?;
        Some(crypto::digest(&installation.pepper, secret))
    }

    fn installation(&self) -> Option<Arc<Installation>> {
        self.installation
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn kept(&self, workspace: Uuid, now: DateTime<Utc>) -> Option<Arc<WorkspaceKeys>> {
        let unwrapped = self.unwrapped.read().unwrap_or_else(PoisonError::into_inner);
        let kept = unwrapped.get(&workspace)?;
        (now - kept.read_at < KEPT).then(|| Arc::clone(&kept.keys))
    }

    fn keep(&self, workspace: Uuid, keys: Arc<WorkspaceKeys>, now: DateTime<Utc>) {
        let mut unwrapped = self.unwrapped.write().unwrap_or_else(PoisonError::into_inner);
        if unwrapped.len() >= MAX_KEPT {
            unwrapped.clear();
        }
        unwrapped.insert(workspace, Kept { read_at: now, keys });
    }

    /// A secret as it is stored.
    pub(super) fn wrap(
        &self,
        what: Wrapped,
        secret: &[u8],
        active_at: DateTime<Utc>,
    ) -> Result<data_key::Model> {
        let wrapped = self
            .kek()
            .wrap(what, secret)
            .map_err(|problem| unreadable(what.workspace, problem))?;
        Ok(data_key::Model {
            workspace_id: what.workspace,
            purpose: what.purpose.word().to_owned(),
            number: what.number,
            wrapped,
            kek_id: self.kek().id().to_owned(),
            active_at,
            retired_at: None,
        })
    }

    pub(super) fn unwrap(&self, row: &data_key::Model) -> Result<Zeroizing<Vec<u8>>> {
        let purpose = Purpose::parse(&row.purpose)
            .ok_or_else(|| unreadable(row.workspace_id, format!("{:?} is no purpose", row.purpose)))?;
        let what = Wrapped {
            workspace: row.workspace_id,
            purpose,
            number: row.number,
        };
        self.keks
            .unwrap(&row.kek_id, what, &row.wrapped)
            .map_err(|problem| match problem {
                crypto::Error::UnknownKeyEncryptionKey => {
                    let configured = self.keks.ids().collect::<Vec<_>>().join(" and ");
                    let problem = format!("wrapped by key {}, configured is {configured}", row.kek_id);
                    unreadable(row.workspace_id, problem)
                }
                other => unreadable(row.workspace_id, other),
            })
    }

    fn open(&self, workspace: Uuid, rows: &[data_key::Model], now: DateTime<Utc>) -> Result<WorkspaceKeys> {
        let of = |purpose: Purpose| rows.iter().filter(move |row| row.purpose == purpose.word());
        let newest_first = |purpose: Purpose| {
            let mut rows: Vec<&data_key::Model> = of(purpose).collect();
            rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.number));
            rows
        };
        let data = newest_first(Purpose::Data);
        let current = data
            .iter()
            .find(|row| row.active_at <= now)
            .or(data.last())
            .ok_or_else(|| Error::inconsistent("workspaces", "id", workspace, "the workspace is gone"))?;
        let mut keys = WorkspaceKeys::of(workspace, number_of(current)?, &self.secret(current)?);
        for row in data.iter().filter(|row| row.number != current.number) {
            keys = keys.and_opening(number_of(row)?, &self.secret(row)?);
        }
        let indexes: Result<Vec<IndexKey>> = newest_first(Purpose::Index)
            .into_iter()
            .map(|row| {
                let is_written = row.active_at <= now && row.retired_at.is_none_or(|at| at > now);
                IndexKey::new(row.number, &self.unwrap(row)?, is_written)
                    .map_err(|problem| unreadable(workspace, problem))
            })
            .collect();
        let indexes = indexes?;
        if !indexes.is_empty() {
            keys = keys.with_indexes(indexes);
        }
        if let Some(row) = of(Purpose::Audit).next() {
            keys = keys.with_audit(&self.secret(row)?);
        }
        Ok(keys)
    }

    pub(super) fn secret(&self, row: &data_key::Model) -> Result<Secret> {
        let bytes = self.unwrap(row)?;
        let bytes: [u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| unreadable(row.workspace_id, crypto::Error::Format))?;
        Ok(Zeroizing::new(bytes))
    }
}

fn unreadable(workspace: Uuid, problem: impl ToString) -> Error {
    Error::inconsistent("data_keys", "wrapped", workspace, problem)
}

pub(super) fn number_of(row: &data_key::Model) -> Result<u8> {
    u8::try_from(row.number).map_err(|problem| unreadable(row.workspace_id, problem))
}

impl Store {
    /// Keys of a workspace, at most two seconds old.
    ///
    /// # Errors
    /// The workspace is gone, or a key of it was wrapped by a key-encryption key that is not configured.
    pub async fn workspace_keys(&self, id: Uuid) -> Result<Arc<WorkspaceKeys>> {
        let now = self.clock.now();
        if let Some(keys) = self.keyring.kept(id, now) {
            return Ok(keys);
        }
        let rows = scope::select::<data_key::Entity>(id).all(self.reader()).await?;
        let keys = Arc::new(self.keyring.open(id, &rows, now)?);
        self.keyring.keep(id, Arc::clone(&keys), now);
        Ok(keys)
    }

    /// Keys of what belongs to no workspace.
    ///
    /// # Errors
    /// The installation's secrets cannot be read.
    pub async fn installation_keys(&self) -> Result<Arc<WorkspaceKeys>> {
        if self.keyring.installation().is_none() {
            self.load_installation().await?;
        }
        let installation = self.keyring.installation();
        let installation = installation.ok_or_else(|| {
            let problem = "the installation has no secrets: run leads-svc migrate";
            Error::inconsistent("data_keys", "workspace_id", Uuid::nil(), problem)
        })?;
        Ok(Arc::clone(&installation.keys))
    }

    /// Opens the installation's secrets; false if it has none yet.
    pub(super) async fn load_installation(&self) -> Result<bool> {
        let rows = scope::select::<data_key::Entity>(Uuid::nil())
            .order_by_desc(data_key::Column::Number)
            .all(self.reader())
            .await?;
        let find = |purpose: Purpose| rows.iter().find(|row| row.purpose == purpose.word());
        let (Some(pepper), Some(_)) = (find(Purpose::Pepper), find(Purpose::Data)) else {
            return Ok(false);
        };
        let installation = Installation {
            pepper: self.keyring.secret(pepper)?,
            keys: Arc::new(self.keyring.open(Uuid::nil(), &rows, self.clock.now())?),
        };
        *self
            .keyring
            .installation
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(installation));
        Ok(true)
    }

    /// Gives the installation its secrets. Where credentials were made before it had any, they are those that the
    /// key-encryption key made, so that the credentials keep working.
    pub(super) async fn found_installation(&self) -> Result<()> {
        if self.load_installation().await? {
            return Ok(());
        }
        let has_credentials = scope::select_any::<api_key::Entity>()
            .limit(1)
            .one(self.reader())
            .await?
            .is_some();
        let secrets = if has_credentials {
            self.kek_of_workspaces().await?.first_installation()
        } else {
            [(Purpose::Pepper, new_secret()), (Purpose::Data, new_secret())]
        };
        let rows: Result<Vec<data_key::Model>> = secrets
            .iter()
            .map(|(purpose, secret)| {
                let what = Wrapped {
                    workspace: Uuid::nil(),
                    purpose: *purpose,
                    number: 1,
                };
                self.keyring.wrap(what, secret.as_slice(), self.clock.now())
            })
            .collect();
        let transaction = self.begin().await?;
        match transaction.insert::<data_key::Entity>(Uuid::nil(), rows?).await {
            Ok(()) => transaction.commit().await?,
            // Another replica did the same.
            Err(Error::Conflict { .. }) => drop(transaction),
            Err(error) => return Err(error),
        }
        self.load_installation().await.map(drop)
    }

    /// The key-encryption key that was used until now: it may be the previous one already.
    async fn kek_of_workspaces(&self) -> Result<&KeyEncryptionKey> {
        let used: Option<String> = scope::select_any::<data_key::Entity>()
            .filter(data_key::Column::WorkspaceId.ne(Uuid::nil()))
            .select_only()
            .column(data_key::Column::KekId)
            .limit(1)
            .into_tuple()
            .one(self.reader())
            .await?;
        let used = used.and_then(|kek| self.keyring.keks().named(&kek));
        Ok(used.unwrap_or_else(|| self.keyring.kek()))
    }

    /// Gives a new workspace its secrets.
    pub(super) async fn found_workspace_keys(
        &self,
        transaction: &Transaction,
        workspace: Uuid,
        at: DateTime<Utc>,
    ) -> Result<WorkspaceKeys> {
        let index = Zeroizing::new([*new_secret(), *new_secret()].concat());
        let secrets: [(Purpose, Zeroizing<Vec<u8>>); 3] = [
            (Purpose::Data, Zeroizing::new(new_secret().to_vec())),
            (Purpose::Index, index),
            (Purpose::Audit, Zeroizing::new(new_secret().to_vec())),
        ];
        let rows: Result<Vec<data_key::Model>> = secrets
            .iter()
            .map(|(purpose, secret)| {
                let what = Wrapped {
                    workspace,
                    purpose: *purpose,
                    number: 1,
                };
                self.keyring.wrap(what, secret, at)
            })
            .collect();
        let rows = rows?;
        let keys = self.keyring.open(workspace, &rows, at)?;
        transaction.insert::<data_key::Entity>(workspace, rows).await?;
        Ok(keys)
    }

    /// How many workspaces have a secret that a key-encryption key wrapped which is not configured: nothing of theirs can
    /// be read.
    ///
    /// # Errors
    /// The database.
    pub async fn count_unreadable_workspaces(&self) -> Result<u64> {
        let workspaces: Vec<Uuid> = scope::select_any::<data_key::Entity>()
            .select_only()
            .column(data_key::Column::WorkspaceId)
            .distinct()
            .filter(data_key::Column::WorkspaceId.ne(Uuid::nil()))
            .filter(data_key::Column::KekId.is_not_in(self.keyring.keks.ids()))
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(workspaces.len() as u64)
    }
}

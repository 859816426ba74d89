//! Data keys of workspaces, unwrapped once and kept.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;

use super::{
    Store, crypto,
    crypto::{KeyEncryptionKey, WorkspaceKeys},
    entity::workspace,
    error::{Error, Result},
    scope,
};

/// Keys kept before all are dropped and unwrapped anew.
const MAX_KEPT: usize = 10_000;

/// See the module.
#[derive(Debug)]
pub struct Keyring {
    kek: KeyEncryptionKey,
    unwrapped: RwLock<HashMap<Uuid, Arc<WorkspaceKeys>>>,
}

impl Keyring {
    /// An empty ring.
    pub fn new(kek: KeyEncryptionKey) -> Self {
        Self {
            kek,
            unwrapped: RwLock::default(),
        }
    }

    /// The key that wraps data keys and hashes credentials.
    pub fn kek(&self) -> &KeyEncryptionKey {
        &self.kek
    }

    fn kept(&self, workspace: Uuid) -> Option<Arc<WorkspaceKeys>> {
        self.unwrapped
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&workspace)
            .cloned()
    }

    fn keep(&self, workspace: Uuid, keys: Arc<WorkspaceKeys>) {
        let mut unwrapped = self.unwrapped.write().unwrap_or_else(PoisonError::into_inner);
        if unwrapped.len() >= MAX_KEPT {
            unwrapped.clear();
        }
        unwrapped.insert(workspace, keys);
    }
}

impl Store {
    /// Keys of a workspace.
    ///
    /// # Errors
    /// The workspace is gone, or its key was wrapped by another key-encryption key.
    pub async fn workspace_keys(&self, id: Uuid) -> Result<Arc<WorkspaceKeys>> {
        if let Some(keys) = self.keyring.kept(id) {
            return Ok(keys);
        }
        let row = scope::select::<workspace::Entity>(id)
            .one(self.reader())
            .await?
            .ok_or_else(|| Error::inconsistent("workspaces", "id", id, "the workspace is gone"))?;
        let keys = self
            .keyring
            .kek
            .open_data_key(id, &row.wrapped_key)
            .map(Arc::new)
            .map_err(|problem| {
                let problem = match problem {
                    crypto::Error::Authentication if row.kek_id != self.keyring.kek.id() => {
                        format!(
                            "wrapped by key {}, the configured one is {}",
                            row.kek_id,
                            self.keyring.kek.id()
                        )
                    }
                    other => other.to_string(),
                };
                Error::inconsistent("workspaces", "wrapped_key", id, problem)
            })?;
        self.keyring.keep(id, Arc::clone(&keys));
        Ok(keys)
    }
}

//! Secrets that were made ahead and wait for contacts.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use super::KeyStore;
use crate::storage::{
    crypto::{KeyEncryptionKeys, Secret},
    error::Result,
};

/// Secrets made in one commit.
const BATCH: usize = 256;
/// With fewer waiting, more are made in the background.
const LOW: usize = 768;
/// Until so many wait.
const ENOUGH: usize = 1_024;

/// A secret that no contact has yet.
#[derive(Clone)]
pub struct Fresh {
    /// Id of its key.
    pub id: Uuid,
    /// The secret.
    pub secret: Arc<Secret>,
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fresh")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pool {
    waiting: Mutex<Vec<Fresh>>,
    /// Who makes some, so that two do not at once.
    turn: tokio::sync::Mutex<()>,
    is_low: Notify,
}

impl Pool {
    fn pop(&self) -> (Option<Fresh>, usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        (waiting.pop(), waiting.len())
    }

    fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn add(&self, fresh: Vec<Fresh>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend(fresh);
    }
}

impl KeyStore {
    /// A secret for one contact, and for no other ever. Waits for the database only if more were taken than
    /// [`fill`](Self::fill) could make.
    ///
    /// # Errors
    /// The database.
    pub async fn take(&self, keks: &KeyEncryptionKeys) -> Result<Fresh> {
        loop {
            let (fresh, left) = self.pool.pop();
            if left < LOW {
                self.pool.is_low.notify_one();
            }
            if let Some(fresh) = fresh {
                self.keep(&fresh).await;
                return Ok(fresh);
            }
            let _turn = self.pool.turn.lock().await;
            if self.pool.len() == 0 {
                self.pool.add(self.make(keks, BATCH).await?);
            }
        }
    }

    /// Makes secrets until enough wait.
    ///
    /// # Errors
    /// The database.
    pub async fn fill(&self, keks: &KeyEncryptionKeys) -> Result<()> {
        while self.pool.len() < ENOUGH {
            let _turn = self.pool.turn.lock().await;
            self.pool.add(self.make(keks, BATCH).await?);
        }
        Ok(())
    }

    /// Fires when few are left.
    pub async fn low(&self) {
        self.pool.is_low.notified().await;
    }
}

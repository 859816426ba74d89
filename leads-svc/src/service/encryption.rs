//! What keeps encryption going: contacts' keys made ahead, destroyed in time, and everything brought to new keys.

use super::{core::Core, error::Result};

impl Core {
    /// Makes contacts' keys until enough wait.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn fill_keys(&self) -> Result<()> {
        let keks = self.store.keyring().keks();
        Ok(self.store.key_store().fill(keks).await?)
    }

    /// Fires when few contacts' keys wait.
    pub async fn keys_low(&self) {
        self.store.key_store().low().await;
    }

    /// Destroys contacts' keys whose time has come; returns how many.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn destroy_former_keys(&self) -> Result<usize> {
        Ok(self.store.destroy_former_keys().await?)
    }

    /// Brings some contacts to new keys and settings; returns how many.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn renew_some(&self) -> Result<u64> {
        Ok(self.store.renew_some().await?)
    }

    /// Deletes roots of the key store that nothing needs any more; returns how many.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn forget_roots(&self) -> Result<u64> {
        Ok(self
            .store
            .key_store()
            .forget_roots(self.store.keyring().keks())
            .await?)
    }
}

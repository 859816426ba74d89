//! Work that no caller asks for.

use super::{core::Core, error::Result};
use crate::storage;

impl Core {
    /// Owes some leads to the connection that waits for it longest; true if there may be more.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn backfill_some(&self) -> Result<bool> {
        let Some(look) = self.store.find_due_look().await? else {
            return Ok(false);
        };
        let Some(workspace) = self.store.find_workspace(look.workspace).await? else {
            return Ok(false);
        };
        // A look begins with what the settings say now: jobs follow it first.
        if look.is_at_start() {
            match self
                .store
                .follow_consents(workspace.id, &workspace.settings)
                .await
            {
                Ok((0, 0)) => {}
                Ok((cancelled, owed)) => {
                    tracing::info!(workspace.id = %workspace.id, cancelled, owed, "syncs follow consents");
                    self.wake_delivery();
                }
                // Found again by the next look.
                Err(storage::Error::Serialization(_) | storage::Error::Timeout(_)) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
        let found = self.store.leads_to_owe(&look, &workspace.settings).await?;
        let owed = if found.is_empty() {
            self.store.finish_look(&look).await
        } else {
            self.store.owe_leads(&look, &found).await
        };
        match owed {
            Ok(()) if found.is_empty() => {}
            Ok(()) => {
                tracing::info!(connection.id = %look.connection, leads = found.len(), "leads owed to a connection");
                self.wake_delivery();
            }
            // Somebody was faster; what is left is found by the next look.
            Err(storage::Error::Conflict { .. } | storage::Error::Serialization(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Sets this process's clock to the database's.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn follow_clock(&self) -> Result<()> {
        self.store.ping().await?;
        let skew = self.store.clock_skew().await?;
        if (skew - self.store.clock().offset()).abs() > chrono::TimeDelta::milliseconds(50) {
            self.store.clock().set_offset(skew);
        }
        Ok(())
    }

    /// Deletes answers to request ids, notes of reads and sessions that were kept long enough.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn forget_old_answers(&self) -> Result<u64> {
        let answers = self.store.forget_old_answers().await?;
        Ok(answers + self.store.forget_old_reads().await? + self.store.forget_old_sessions().await?)
    }

    /// Gives members of an earlier release the mark by which a sign-in finds them; returns how many.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn mark_old_members(&self) -> Result<usize> {
        let mut marked = 0;
        loop {
            match self.store.mark_old_members().await? {
                0 => return Ok(marked),
                some => marked += some,
            }
        }
    }

    /// Seals the texts of consents that an earlier release stored in the open; returns how many.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn seal_old_consents(&self) -> Result<usize> {
        let mut sealed = 0;
        loop {
            match self.store.seal_old_consents().await? {
                0 => return Ok(sealed),
                some => sealed += some,
            }
        }
    }
}

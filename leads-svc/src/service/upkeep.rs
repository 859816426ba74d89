//! Work that no caller asks for.

use super::{core::Core, error::Result};
use crate::storage::{self, jobs::backfill::Look};

impl Core {
    /// Owes some leads to the connection that waits for it longest; true if there may be more. A step that fails is
    /// tried again later, after those of other connections.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn backfill_some(&self) -> Result<bool> {
        let Some(look) = self.store.find_due_look().await? else {
            return Ok(false);
        };
        match self.step(&look).await {
            Ok(()) => {}
            // Somebody was faster; what is left is found by the next step.
            Err(storage::Error::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(workspace.id = %look.workspace, error = %error, "looking for leads to sync failed");
                self.store.put_look_off(&look).await?;
            }
        }
        Ok(true)
    }

    async fn step(&self, look: &Look) -> storage::Result<()> {
        let Some(workspace) = self.store.find_workspace(look.workspace).await? else {
            return self.store.finish_look(look).await;
        };
        // A look begins with what the settings say now: jobs follow it first.
        if look.is_at_start() {
            let followed = self
                .store
                .follow_consents(workspace.id, &workspace.settings)
                .await?;
            if followed != (0, 0) {
                let (cancelled, owed) = followed;
                tracing::info!(workspace.id = %workspace.id, cancelled, owed, "syncs follow consents");
                self.wake_delivery();
            }
        }
        let found = self.store.leads_to_owe(look, &workspace.settings).await?;
        if found.is_empty() {
            return self.store.finish_look(look).await;
        }
        self.store.owe_leads(look, &found).await?;
        tracing::info!(connection.id = %look.connection, leads = found.len(), "leads owed to a connection");
        self.wake_delivery();
        Ok(())
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

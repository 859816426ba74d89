//! Workspaces and their settings.

use super::{
    core::Core,
    error::{Error, Result},
    keys,
    principal::{Bound, Principal, Scope},
};
use crate::domain::workspace::{Settings, Workspace};

impl Core {
    /// Creates a workspace and a key with all of its scopes.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn create_workspace(
        &self,
        principal: &Principal,
        name: &str,
        settings: Settings,
    ) -> Result<(Workspace, String)> {
        principal.require(Scope::PlatformWorkspaces)?;
        let workspace = self
            .store
            .create_workspace(name, settings, &principal.actor())
            .await?;
        let scopes: Vec<Scope> = Scope::of_workspaces().collect();
        let (key, secret) = keys::mint(
            &self.store,
            &Bound::Workspace(workspace.id),
            "first key",
            &scopes,
            None,
        );
        self.store.create_key(key, &principal.actor()).await?;
        tracing::info!(workspace.id = %workspace.id, by = principal.key_id(), "workspace created");
        Ok((workspace, secret))
    }

    /// The caller's workspace.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn get_workspace(&self, principal: &Principal) -> Result<Workspace> {
        principal.require(Scope::WorkspaceRead)?;
        Ok(self.facts(principal.workspace()?).await?.workspace.clone())
    }

    /// Changes the settings of the caller's workspace.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn update_settings(
        &self,
        principal: &Principal,
        change: impl FnOnce(Settings) -> Settings + Send,
    ) -> Result<Workspace> {
        principal.require(Scope::WorkspaceAdmin)?;
        let id = principal.workspace()?;
        let workspace = self
            .store
            .update_settings(id, &principal.actor(), change)
            .await?
            .ok_or_else(|| Error::not_found("workspace"))?;
        self.forget(id).await;
        self.wake_delivery();
        Ok(workspace)
    }
}

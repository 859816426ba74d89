//! Workspaces and their settings.

use leads_proto::reason::Reason;
use leads_runtime::ids::new_id;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    core::Core,
    error::{Error, Result},
    keys,
    principal::{Bound, Principal, Scope},
};
use crate::{
    domain::{
        capture::RequestKey,
        workspace::{Settings, Workspace},
    },
    storage::{
        self, Store,
        idempotency::{Answer, Known},
    },
};

const METHOD: &str = "CreateWorkspace";

/// A workspace that was created.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founded {
    /// The workspace.
    pub workspace: Workspace,
    /// Text of its first key, which has all of its scopes.
    pub key: String,
}

/// Creates a workspace and its first key, in the name of `by`. The same request id with the same name and settings gets the same answer for
/// 24 hours.
///
/// # Errors
/// `REQUEST_ID_REUSED`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
pub async fn create(
    store: &Store,
    name: &str,
    settings: Settings,
    request_id: Option<Uuid>,
    by: &str,
) -> Result<Founded> {
    let body = serde_json::to_vec(&(name, &settings)).map_err(Error::internal)?;
    let request = request_id.map(|id| RequestKey {
        id,
        digest: Sha256::digest(body).into(),
    });
    if let Some(before) = created_before(store, request.as_ref()).await? {
        return Ok(before);
    }
    let now = store.clock().now();
    let workspace = Workspace {
        id: new_id(store.clock()),
        name: name.to_owned(),
        settings,
        plan: store.default_plan(),
        created_at: now,
    };
    let scopes: Vec<Scope> = Scope::of_workspaces().collect();
    let (first_key, key) = keys::mint(store, &Bound::Workspace(workspace.id), "first key", &scopes, None);
    let founded = Founded { workspace, key };
    let response = serde_json::to_vec(&founded).map_err(Error::internal)?;
    let answer = request.map(|key| Answer {
        key,
        method: METHOD,
        response,
        at: now,
    });
    match store
        .create_workspace(&founded.workspace, first_key, answer, by)
        .await
    {
        Ok(()) => Ok(founded),
        // The same request came twice at once.
        Err(storage::Error::Conflict { constraint }) => created_before(store, request.as_ref())
            .await?
            .ok_or_else(|| storage::Error::Conflict { constraint }.into()),
        Err(error) => Err(error.into()),
    }
}

async fn created_before(store: &Store, request: Option<&RequestKey>) -> Result<Option<Founded>> {
    let Some(request) = request else { return Ok(None) };
    let keys = store.installation_keys().await?;
    match store.find_answer(Uuid::nil(), &keys, request, METHOD).await? {
        None => Ok(None),
        Some(Known::Answered(bytes)) => serde_json::from_slice(&bytes).map(Some).map_err(Error::internal),
        Some(Known::Reused | Known::Erased) => Err(Error::new(
            Reason::RequestIdReused,
            "the request id was used with another name or other settings; take a new one for a new workspace",
        )),
    }
}

impl Core {
    /// Creates a workspace and a key with all of its scopes; see [`create`].
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `REQUEST_ID_REUSED`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn create_workspace(
        &self,
        principal: &Principal,
        name: &str,
        settings: Settings,
        request_id: Option<Uuid>,
    ) -> Result<Founded> {
        principal.require(Scope::PlatformWorkspaces)?;
        let founded = create(&self.store, name, settings, request_id, &principal.actor()).await?;
        tracing::info!(workspace.id = %founded.workspace.id, by = principal.key_id(), "workspace created");
        Ok(founded)
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

//! WorkspacesService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, workspaces_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{created, invalid, principal},
    convert::{settings, times},
};
use crate::{
    domain::workspace::Settings,
    service::{core::Core, keys::Key},
};

/// Serves the RPCs of workspaces and keys.
#[derive(Debug, Clone)]
pub struct Workspaces {
    core: Core,
}

impl Workspaces {
    /// Serves `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl workspaces_service_server::WorkspacesService for Workspaces {
    async fn create_workspace(
        &self,
        request: Request<v1::CreateWorkspaceRequest>,
    ) -> Result<Response<v1::CreateWorkspaceResponse>, Status> {
        let caller = principal(&request)?;
        let (name, patch, request_id) = settings::new_workspace(request.get_ref()).map_err(invalid)?;
        let founded = self
            .core
            .create_workspace(&caller, &name, patch.apply(Settings::default()), request_id)
            .await?;
        Ok(created(v1::CreateWorkspaceResponse {
            workspace: Some(settings::workspace(founded.workspace)),
            api_key: founded.key,
        }))
    }

    async fn get_workspace(
        &self,
        request: Request<v1::GetWorkspaceRequest>,
    ) -> Result<Response<v1::Workspace>, Status> {
        let workspace = self.core.get_workspace(&principal(&request)?).await?;
        Ok(Response::new(settings::workspace(workspace)))
    }

    async fn update_settings(
        &self,
        request: Request<v1::UpdateSettingsRequest>,
    ) -> Result<Response<v1::Workspace>, Status> {
        let caller = principal(&request)?;
        let patch = settings::change(request.get_ref()).map_err(invalid)?;
        let workspace = self
            .core
            .update_settings(&caller, |settings| patch.apply(settings))
            .await?;
        Ok(Response::new(settings::workspace(workspace)))
    }

    async fn create_api_key(
        &self,
        request: Request<v1::CreateApiKeyRequest>,
    ) -> Result<Response<v1::CreateApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let expires_at = settings::key_expiry(&request).map_err(invalid)?;
        let (key, secret) = self
            .core
            .create_api_key(&caller, &request.name, &request.scopes, expires_at)
            .await?;
        Ok(created(v1::CreateApiKeyResponse {
            key: Some(api_key(key)),
            secret,
        }))
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Result<Response<v1::ListApiKeysResponse>, Status> {
        let keys = self.core.list_api_keys(&principal(&request)?).await?;
        Ok(Response::new(v1::ListApiKeysResponse {
            keys: keys.into_iter().map(api_key).collect(),
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> Result<Response<v1::RevokeApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let id = request.into_inner().key_id;
        settings::key_id(&id).map_err(invalid)?;
        self.core.revoke_api_key(&caller, &id).await?;
        Ok(Response::new(v1::RevokeApiKeyResponse {}))
    }
}

fn api_key(key: Key) -> v1::ApiKey {
    v1::ApiKey {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        created_at: Some(times::timestamp(key.created_at)),
        expires_at: key.expires_at.map(times::timestamp),
        last_used_at: key.last_used_at.map(times::timestamp),
        revoked_at: key.revoked_at.map(times::timestamp),
    }
}

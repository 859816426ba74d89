//! WorkspacesService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, workspaces_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{created, invalid, principal},
    convert::{keys, plans, settings},
};
use crate::{domain::workspace::Settings, service::core::Core};

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

    async fn set_plan(
        &self,
        request: Request<v1::SetPlanRequest>,
    ) -> Result<Response<v1::Workspace>, Status> {
        let caller = principal(&request)?;
        let plan = plans::new_plan(request.get_ref()).map_err(invalid)?;
        let workspace = self.core.set_plan(&caller, plan).await?;
        Ok(Response::new(settings::workspace(workspace)))
    }

    async fn get_usage(&self, request: Request<v1::GetUsageRequest>) -> Result<Response<v1::Usage>, Status> {
        let report = self.core.usage(&principal(&request)?).await?;
        Ok(Response::new(plans::usage(report)))
    }

    async fn create_api_key(
        &self,
        request: Request<v1::CreateApiKeyRequest>,
    ) -> Result<Response<v1::CreateApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let now = self.core.store.clock().now();
        let (expires_at, member) = keys::new_key(&caller, &request, now).map_err(invalid)?;
        let (key, secret) = self
            .core
            .create_api_key(&caller, &request.name, &request.scopes, expires_at, member)
            .await?;
        Ok(created(v1::CreateApiKeyResponse {
            key: Some(keys::key(key)),
            secret,
        }))
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Result<Response<v1::ListApiKeysResponse>, Status> {
        let found = self.core.list_api_keys(&principal(&request)?).await?;
        Ok(Response::new(v1::ListApiKeysResponse {
            keys: found.into_iter().map(keys::key).collect(),
        }))
    }

    async fn rotate_api_key(
        &self,
        request: Request<v1::RotateApiKeyRequest>,
    ) -> Result<Response<v1::RotateApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let overlap = keys::rotation(&request).map_err(invalid)?;
        let (key, secret) = self
            .core
            .rotate_api_key(&caller, &request.key_id, overlap)
            .await?;
        Ok(created(v1::RotateApiKeyResponse {
            key: Some(keys::key(key)),
            secret,
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> Result<Response<v1::RevokeApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let id = request.into_inner().key_id;
        keys::key_id(&id).map_err(invalid)?;
        self.core.revoke_api_key(&caller, &id).await?;
        Ok(Response::new(v1::RevokeApiKeyResponse {}))
    }
}

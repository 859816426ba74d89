//! WorkspacesService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, workspaces_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{created, invalid, principal},
    convert::{plans, settings, times},
    members::member_id,
};
use crate::{
    domain::{ids, text, violation::Violations, workspace::Settings},
    service::{core::Core, error::Error, keys::Key},
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
        let request = request.into_inner();
        let mut violations = Violations::default();
        let name = text::required("name", &request.name, 200, &mut violations);
        let patch = settings::read(
            "settings",
            &request.settings.unwrap_or_default(),
            &[],
            &mut violations,
        );
        violations.into_result(()).map_err(invalid)?;
        let (workspace, api_key) = self
            .core
            .create_workspace(&caller, &name, patch.apply(Settings::default()))
            .await?;
        Ok(created(v1::CreateWorkspaceResponse {
            workspace: Some(settings::workspace(workspace)),
            api_key,
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
        let request = request.into_inner();
        let mut violations = Violations::default();
        let mask = request.update_mask.unwrap_or_default().paths;
        let Some(given) = request.settings else {
            return Err(Error::invalid_field("settings", "is required").into());
        };
        let patch = settings::read("settings", &given, &mask, &mut violations);
        violations.into_result(()).map_err(invalid)?;
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
        let mut violations = Violations::default();
        let plan = plans::read_plan("plan", request.get_ref().plan, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let plan = plan.ok_or_else(|| Error::invalid_field("plan", "is required"))?;
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
        let mut violations = Violations::default();
        let expires_at = times::read("expires_at", request.expires_at.as_ref(), &mut violations);
        let member = (!request.member_id.is_empty()).then(|| member_id(&request.member_id, &mut violations));
        violations.into_result(()).map_err(invalid)?;
        let (key, secret) = self
            .core
            .create_api_key(&caller, &request.name, &request.scopes, expires_at, member)
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

    async fn rotate_api_key(
        &self,
        request: Request<v1::RotateApiKeyRequest>,
    ) -> Result<Response<v1::RotateApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let id = key_id(&request.key_id, &mut violations);
        let overlap = times::read_span("overlap", request.overlap.as_ref(), &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let (key, secret) = self.core.rotate_api_key(&caller, id, overlap).await?;
        Ok(created(v1::RotateApiKeyResponse {
            key: Some(api_key(key)),
            secret,
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> Result<Response<v1::RevokeApiKeyResponse>, Status> {
        let caller = principal(&request)?;
        let mut violations = Violations::default();
        let id = key_id(&request.get_ref().key_id, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        self.core.revoke_api_key(&caller, id).await?;
        Ok(Response::new(v1::RevokeApiKeyResponse {}))
    }
}

/// The public part of a key.
fn key_id<'a>(id: &'a str, violations: &mut Violations) -> &'a str {
    if id.is_empty() || id.len() > 16 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        violations.add("key_id", "is not the public part of a key");
    }
    id
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
        replaced_by: key.replaced_by.unwrap_or_default(),
        member_id: key.member.map(ids::format::<ids::Member>).unwrap_or_default(),
    }
}

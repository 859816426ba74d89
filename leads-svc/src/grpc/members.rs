//! MembersService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, members_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{created, invalid, principal},
    convert::members,
};
use crate::service::core::Core;

/// Serves the RPCs of members.
#[derive(Debug, Clone)]
pub struct Members {
    core: Core,
}

impl Members {
    /// Serves `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl members_service_server::MembersService for Members {
    async fn get_me(&self, request: Request<v1::GetMeRequest>) -> Result<Response<v1::Me>, Status> {
        let caller = principal(&request)?;
        Ok(Response::new(members::me(self.core.get_me(&caller).await?)))
    }

    async fn create_member(
        &self,
        request: Request<v1::CreateMemberRequest>,
    ) -> Result<Response<v1::Member>, Status> {
        let caller = principal(&request)?;
        let (email, role) = members::new_member(request.get_ref()).map_err(invalid)?;
        let added = self.core.create_member(&caller, &email, role).await?;
        Ok(created(members::member(added)))
    }

    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let size = members::list(&request).map_err(invalid)?;
        let page = self.core.list_members(&caller, size, &request.page_token).await?;
        Ok(Response::new(v1::ListMembersResponse {
            members: page.items.into_iter().map(members::member).collect(),
            next_page_token: page.next,
        }))
    }

    async fn update_member(
        &self,
        request: Request<v1::UpdateMemberRequest>,
    ) -> Result<Response<v1::Member>, Status> {
        let caller = principal(&request)?;
        let (id, role) = members::change(request.get_ref()).map_err(invalid)?;
        let changed = self.core.update_member(&caller, id, role).await?;
        Ok(Response::new(members::member(changed)))
    }

    async fn delete_member(
        &self,
        request: Request<v1::DeleteMemberRequest>,
    ) -> Result<Response<v1::DeleteMemberResponse>, Status> {
        let caller = principal(&request)?;
        let id = members::only(&request.get_ref().member_id).map_err(invalid)?;
        self.core.delete_member(&caller, id).await?;
        Ok(Response::new(v1::DeleteMemberResponse {}))
    }
}

//! MembersService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, members_service_server};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    call::{created, invalid, principal},
    convert::{query, times},
};
use crate::{
    domain::{
        email::Email,
        ids,
        member::{Member, Role},
        violation::Violations,
    },
    service::core::Core,
};

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
    async fn create_member(
        &self,
        request: Request<v1::CreateMemberRequest>,
    ) -> Result<Response<v1::Member>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let email = match Email::parse(&request.email) {
            _ if request.email.is_empty() => {
                violations.add("email", "is required");
                None
            }
            Ok(email) => Some(email),
            Err(problem) => {
                violations.add("email", problem);
                None
            }
        };
        let role = read_role(request.role, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let (Some(email), Some(role)) = (email, role) else {
            return Err(invalid(Vec::new()));
        };
        let added = self.core.create_member(&caller, &email, role).await?;
        Ok(created(member(added)))
    }

    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let size = query::page_size(request.page_size, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let page = self.core.list_members(&caller, size, &request.page_token).await?;
        Ok(Response::new(v1::ListMembersResponse {
            members: page.items.into_iter().map(member).collect(),
            next_page_token: page.next,
        }))
    }

    async fn update_member(
        &self,
        request: Request<v1::UpdateMemberRequest>,
    ) -> Result<Response<v1::Member>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let id = member_id(&request.member_id, &mut violations);
        let role = read_role(request.role, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let Some(role) = role else {
            return Err(invalid(Vec::new()));
        };
        let changed = self.core.update_member(&caller, id, role).await?;
        Ok(Response::new(member(changed)))
    }

    async fn delete_member(
        &self,
        request: Request<v1::DeleteMemberRequest>,
    ) -> Result<Response<v1::DeleteMemberResponse>, Status> {
        let caller = principal(&request)?;
        let mut violations = Violations::default();
        let id = member_id(&request.get_ref().member_id, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        self.core.delete_member(&caller, id).await?;
        Ok(Response::new(v1::DeleteMemberResponse {}))
    }
}

/// A member's id.
pub fn member_id(id: &str, violations: &mut Violations) -> Uuid {
    ids::parse::<ids::Member>(id).unwrap_or_else(|problem| {
        violations.add("member_id", problem);
        Uuid::nil()
    })
}

fn read_role(sent: i32, violations: &mut Violations) -> Option<Role> {
    match v1::Role::try_from(sent) {
        Ok(v1::Role::Viewer) => Some(Role::Viewer),
        Ok(v1::Role::Agent) => Some(Role::Agent),
        Ok(v1::Role::Admin) => Some(Role::Admin),
        Ok(v1::Role::Unspecified) => {
            violations.add("role", "is required");
            None
        }
        Err(_) => {
            violations.add("role", "is not a known role");
            None
        }
    }
}

fn member(member: Member) -> v1::Member {
    v1::Member {
        id: ids::format::<ids::Member>(member.id),
        email: member.email,
        role: match member.role {
            Role::Viewer => v1::Role::Viewer,
            Role::Agent => v1::Role::Agent,
            Role::Admin => v1::Role::Admin,
        }
        .into(),
        created_at: Some(times::timestamp(member.created_at)),
    }
}

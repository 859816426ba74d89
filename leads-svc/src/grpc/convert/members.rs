//! Members and their roles.

use leads_proto::leads::v1;
use uuid::Uuid;

use super::{query, times, words};
use crate::{
    domain::{
        email::Email,
        ids,
        member::{Member, Role},
        violation::{Violation, Violations},
    },
    service::members::Me,
};

/// Address and role of a member to add.
///
/// # Errors
/// Every violation.
pub fn new_member(request: &v1::CreateMemberRequest) -> Result<(Email, Role), Vec<Violation>> {
    let mut violations = Violations::default();
    let email = if request.email.is_empty() {
        Err("is required")
    } else {
        Email::parse(&request.email)
    };
    let email = email.map_err(|problem| violations.add("email", problem)).ok();
    let role = role(request.role, &mut violations);
    match email {
        Some(email) => violations.into_result((email, role)),
        None => Err(violations.into_vec()),
    }
}

/// How many members a page.
///
/// # Errors
/// Its violation.
pub fn list(request: &v1::ListMembersRequest) -> Result<u64, Vec<Violation>> {
    let mut violations = Violations::default();
    let size = query::page_size(request.page_size, &mut violations);
    violations.into_result(size)
}

/// Which member gets which role.
///
/// # Errors
/// Every violation.
pub fn change(request: &v1::UpdateMemberRequest) -> Result<(Uuid, Role), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = member_id(&request.member_id, &mut violations);
    let role = role(request.role, &mut violations);
    violations.into_result((id, role))
}

/// A member's id and nothing else.
///
/// # Errors
/// Its violation.
pub fn only(id: &str) -> Result<Uuid, Vec<Violation>> {
    let mut violations = Violations::default();
    let id = member_id(id, &mut violations);
    violations.into_result(id)
}

/// A member's id.
pub fn member_id(id: &str, violations: &mut Violations) -> Uuid {
    ids::parse::<ids::Member>(id).unwrap_or_else(|problem| {
        violations.add("member_id", problem);
        Uuid::nil()
    })
}

fn role(number: i32, violations: &mut Violations) -> Role {
    let role = words::read_member_role("role", number, violations);
    words::required("role", role, number, violations).unwrap_or(Role::Viewer)
}

/// Who calls, to the wire.
pub fn me(me: Me) -> v1::Me {
    let Me {
        workspace,
        member,
        caller,
    } = me;
    let session = caller.session();
    let has_key = session.is_none_or(|session| session.by_key);
    let mut scopes: Vec<String> = caller
        .scopes()
        .iter()
        .map(|scope| scope.name().to_owned())
        .collect();
    scopes.sort_unstable();
    v1::Me {
        workspace_id: ids::format::<ids::Workspace>(workspace.id),
        workspace_name: workspace.name,
        member_id: caller
            .member()
            .map(ids::format::<ids::Member>)
            .unwrap_or_default(),
        role: member
            .as_ref()
            .map_or(0, |member| words::member_role(member.role).into()),
        email: member.map(|member| member.email).unwrap_or_default(),
        scopes,
        key_id: if has_key {
            caller.key_id().to_owned()
        } else {
            String::new()
        },
        session_id: session
            .map(|session| ids::format::<ids::Session>(session.id))
            .unwrap_or_default(),
        session_expires_at: session.map(|session| times::timestamp(session.expires_at)),
    }
}

/// A member, to the wire.
pub fn member(member: Member) -> v1::Member {
    v1::Member {
        id: ids::format::<ids::Member>(member.id),
        email: member.email,
        role: words::member_role(member.role).into(),
        created_at: Some(times::timestamp(member.created_at)),
    }
}

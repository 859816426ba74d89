//! Members: what their roles let their keys do, and what ends with them.

use std::time::{Duration, Instant};

use leads_proto::leads::v1;
use leads_svc::{
    domain::plan::Plan,
    service::principal::{Bound, Scope},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::service::{Service, reason};
use crate::world::{World, email, on_both_databases, warm};

on_both_databases!(
    a_member_has_one_address_and_one_role,
    a_members_key_has_only_scopes_of_the_role,
    another_role_reaches_the_keys_of_a_member_within_five_seconds,
    the_keys_of_a_removed_member_end_with_it,
    members_are_listed_page_by_page,
    members_end_at_the_limit_of_the_plan,
);

const CREATE: &str = "/leads.v1.MembersService/CreateMember";
const LIST: &str = "/leads.v1.MembersService/ListMembers";
const UPDATE: &str = "/leads.v1.MembersService/UpdateMember";
const DELETE: &str = "/leads.v1.MembersService/DeleteMember";
const CREATE_KEY: &str = "/leads.v1.WorkspacesService/CreateApiKey";
const ROTATE_KEY: &str = "/leads.v1.WorkspacesService/RotateApiKey";
const LIST_KEYS: &str = "/leads.v1.WorkspacesService/ListApiKeys";
const LIST_LEADS: &str = "/leads.v1.LeadsService/ListLeads";
const COLLECT: &str = "/leads.v1.LeadsService/CollectLead";
const ACTIVITIES: &str = "/leads.v1.LeadsService/ListActivities";

async fn add(service: &Service, admin: &str, name: &str, role: v1::Role) -> Result<v1::Member, Status> {
    let request = v1::CreateMemberRequest {
        email: email(name),
        role: role.into(),
    };
    service.ask(CREATE, admin, &request).await
}

async fn key_for(
    service: &Service,
    admin: &str,
    member: &str,
    scopes: &[&str],
) -> Result<v1::CreateApiKeyResponse, Status> {
    let request = v1::CreateApiKeyRequest {
        name: "sign-in".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        member_id: member.to_owned(),
        ..Default::default()
    };
    service.ask(CREATE_KEY, admin, &request).await
}

async fn change(service: &Service, admin: &str, member: &str, role: v1::Role) -> v1::Member {
    let request = v1::UpdateMemberRequest {
        member_id: member.to_owned(),
        role: role.into(),
    };
    service.ask(UPDATE, admin, &request).await.unwrap()
}

/// Waits until the call ends with the code, for at most five seconds.
async fn until(service: &Service, path: &str, key: &str, code: Code) {
    let since = Instant::now();
    loop {
        let asked = since.elapsed();
        let got = service
            .call(path, key, Vec::new())
            .await
            .map_or_else(|status| status.code(), |_| Code::Ok);
        if got == code {
            return;
        }
        assert!(asked < Duration::from_secs(5), "still {got:?} after {asked:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_member_has_one_address_and_one_role(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let ana = add(&service, &admin, "ana", v1::Role::Agent).await.unwrap();
    assert!(ana.id.starts_with("member_"), "{}", ana.id);
    assert_eq!(
        (ana.email.as_str(), ana.role()),
        (email("ana").as_str(), v1::Role::Agent)
    );
    let again = add(&service, &admin, "ANA", v1::Role::Admin).await.unwrap_err();
    assert_eq!(
        (again.code(), reason(&again).as_str()),
        (Code::AlreadyExists, "ALREADY_EXISTS")
    );
    let (_, elsewhere) = service.world.tenant(crate::world::settings()).await;
    let elsewhere = service.key_of(elsewhere.workspace().unwrap()).await;
    let theirs = add(&service, &elsewhere, "ana", v1::Role::Viewer).await.unwrap();
    assert_ne!(theirs.id, ana.id);
    let changed = change(&service, &admin, &ana.id, v1::Role::Viewer).await;
    assert_eq!(
        (changed.email.clone(), changed.role()),
        (email("ana"), v1::Role::Viewer)
    );
}

async fn a_members_key_has_only_scopes_of_the_role(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let all: Vec<&str> = Scope::of_workspaces().map(Scope::name).collect();
    for (name, role, allowed, beyond) in [
        (
            "viewer",
            v1::Role::Viewer,
            vec!["leads.read", "integrations.read", "workspace.read"],
            "leads.write",
        ),
        (
            "agent",
            v1::Role::Agent,
            vec!["leads.read", "leads.write", "integrations.read", "workspace.read"],
            "leads.delete",
        ),
        ("admin", v1::Role::Admin, all.clone(), "platform.workspaces"),
    ] {
        let member = add(&service, &admin, name, role).await.unwrap().id;
        let made = key_for(&service, &admin, &member, &allowed).await.unwrap();
        assert_eq!(made.key.unwrap().member_id, member);
        let refused = key_for(&service, &admin, &member, &["leads.read", beyond])
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "INVALID_FIELDS", "{name}");
    }
    let absent = "member_01h455vb4pex5vsknk084sn02q";
    let refused = key_for(&service, &admin, absent, &["leads.read"]).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);

    let agent = add(&service, &admin, "ben", v1::Role::Agent).await.unwrap().id;
    let key = key_for(&service, &admin, &agent, &["leads.write", "leads.read"])
        .await
        .unwrap();
    let captured: v1::CollectLeadResponse = service.ask(COLLECT, &key.secret, &warm("eve")).await.unwrap();
    let request = v1::ListActivitiesRequest {
        lead_id: captured.lead.unwrap().id,
        ..Default::default()
    };
    let timeline: v1::ListActivitiesResponse = service.ask(ACTIVITIES, &admin, &request).await.unwrap();
    assert!(
        timeline
            .activities
            .iter()
            .all(|activity| activity.actor == format!("member:{agent}"))
    );
    assert!(!timeline.activities.is_empty());
}

async fn another_role_reaches_the_keys_of_a_member_within_five_seconds(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let member = add(&service, &admin, "ana", v1::Role::Admin).await.unwrap().id;
    let key = key_for(&service, &admin, &member, &["leads.read", "workspace.admin"])
        .await
        .unwrap()
        .secret;
    until(&service, LIST_KEYS, &key, Code::Ok).await;
    change(&service, &admin, &member, v1::Role::Viewer).await;
    until(&service, LIST_KEYS, &key, Code::PermissionDenied).await;
    until(&service, LIST_LEADS, &key, Code::Ok).await;
    change(&service, &admin, &member, v1::Role::Admin).await;
    until(&service, LIST_KEYS, &key, Code::Ok).await;
}

async fn the_keys_of_a_removed_member_end_with_it(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let member = add(&service, &admin, "ana", v1::Role::Agent).await.unwrap().id;
    let first = key_for(&service, &admin, &member, &["leads.read"]).await.unwrap();
    let rotate = v1::RotateApiKeyRequest {
        key_id: first.key.unwrap().id,
        overlap: None,
    };
    let second: v1::RotateApiKeyResponse = service.ask(ROTATE_KEY, &admin, &rotate).await.unwrap();
    assert_eq!(second.key.unwrap().member_id, member);
    for key in [&first.secret, &second.secret] {
        until(&service, LIST_LEADS, key, Code::Ok).await;
    }
    let request = v1::DeleteMemberRequest {
        member_id: member.clone(),
    };
    let _: v1::DeleteMemberResponse = service.ask(DELETE, &admin, &request).await.unwrap();
    for key in [&first.secret, &second.secret] {
        until(&service, LIST_LEADS, key, Code::Unauthenticated).await;
    }
    let keys: v1::ListApiKeysResponse = service
        .ask(LIST_KEYS, &admin, &v1::ListApiKeysRequest {})
        .await
        .unwrap();
    let theirs: Vec<_> = keys.keys.iter().filter(|key| key.member_id == member).collect();
    assert_eq!(theirs.len(), 2);
    assert!(theirs.iter().all(|key| key.revoked_at.is_some()));
    let again = service
        .ask::<v1::DeleteMemberResponse>(DELETE, &admin, &request)
        .await;
    assert_eq!(again.unwrap_err().code(), Code::NotFound);
}

async fn members_are_listed_page_by_page(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let mut added = Vec::new();
    for name in ["ana", "ben", "eve", "joe", "kim"] {
        added.push(add(&service, &admin, name, v1::Role::Agent).await.unwrap());
    }
    let mut listed = Vec::new();
    let mut request = v1::ListMembersRequest {
        page_size: 2,
        ..Default::default()
    };
    for size in [2, 2, 1] {
        let page: v1::ListMembersResponse = service.ask(LIST, &admin, &request).await.unwrap();
        assert_eq!(page.members.len(), size);
        listed.extend(page.members);
        request.page_token = page.next_page_token;
    }
    assert_eq!((listed, request.page_token.as_str()), (added, ""));
}

async fn members_end_at_the_limit_of_the_plan(world: World) {
    world
        .store
        .set_plan(world.workspace, Plan::Free, "test")
        .await
        .unwrap();
    let service = Service::start(world).await;
    let bound = Bound::Workspace(service.world.workspace);
    let admin = service.key(&bound, &[Scope::WorkspaceAdmin]).await;
    add(&service, &admin, "ana", v1::Role::Agent).await.unwrap();
    add(&service, &admin, "ben", v1::Role::Agent).await.unwrap();
    let refused = add(&service, &admin, "eve", v1::Role::Agent).await.unwrap_err();
    assert_eq!(reason(&refused), "PLAN_LIMIT");
    let violations = refused.get_details_precondition_failure().unwrap().violations;
    assert_eq!(violations[0].subject, "members");
}

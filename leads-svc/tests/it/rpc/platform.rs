//! Platform keys: one key for all workspaces, each named by the call.

use leads_proto::leads::v1;
use leads_svc::{
    domain::ids,
    service::principal::{Bound, Scope},
};
use leads_testkit::http::Http;
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt;
use uuid::Uuid;

use super::service::{Service, reason, seen};
use crate::world::{World, on_both_databases, settings, warm};

on_both_databases!(
    a_platform_key_acts_in_the_workspace_that_the_call_names,
    a_platform_key_has_the_scopes_that_it_was_given_and_no_more,
    no_other_credential_reaches_a_workspace_by_naming_it,
    a_workspace_named_anywhere_else_is_not_looked_at,
    a_request_id_of_another_workspace_is_a_new_one,
);

const COLLECT: &str = "/leads.v1.LeadsService/CollectLead";
const LIST: &str = "/leads.v1.LeadsService/ListLeads";
const GET_WORKSPACE: &str = "/leads.v1.WorkspacesService/GetWorkspace";

async fn a_platform_key_acts_in_the_workspace_that_the_call_names(world: World) {
    let service = Service::start(world).await;
    let platform = service.key(&Bound::Platform, Scope::ALL).await;
    let (other, _) = service.world.tenant(settings()).await;
    let answer: v1::CollectLeadResponse = service
        .ask_in(other, COLLECT, &platform, &warm("ana"))
        .await
        .unwrap();
    let lead = answer.lead.unwrap();
    let list = v1::ListLeadsRequest::default();
    let theirs: v1::ListLeadsResponse = service
        .ask(LIST, &service.key_of(other).await, &list)
        .await
        .unwrap();
    assert_eq!(theirs.leads[0].id, lead.id);
    let ours: v1::ListLeadsResponse = service
        .ask_in(service.world.workspace, LIST, &platform, &list)
        .await
        .unwrap();
    assert_eq!(ours.leads, []);

    let unnamed = service.call(LIST, &platform, Vec::new()).await.unwrap_err();
    assert_eq!(
        unnamed.get_details_bad_request().unwrap().field_violations[0].field,
        "leads-workspace"
    );
    let malformed = service
        .doors
        .call(LIST, &platform, Some("lead_x"), Vec::new())
        .await;
    assert_eq!(reason(&malformed.unwrap_err()), "INVALID_FIELDS");
    let absent = service
        .ask_in::<v1::ListLeadsResponse>(Uuid::from_u128(7), LIST, &platform, &list)
        .await;
    assert_eq!(absent.unwrap_err().code(), Code::NotFound);
}

async fn a_platform_key_has_the_scopes_that_it_was_given_and_no_more(world: World) {
    let service = Service::start(world).await;
    let workspace = service.world.workspace;
    let reader = service.key(&Bound::Platform, &[Scope::LeadsRead]).await;
    let list = v1::ListLeadsRequest::default();
    let read = service.ask_in::<v1::ListLeadsResponse>(workspace, LIST, &reader, &list);
    assert!(read.await.is_ok());
    let refused = service
        .ask_in::<v1::CollectLeadResponse>(workspace, COLLECT, &reader, &warm("ana"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "SCOPE_REQUIRED");
}

async fn no_other_credential_reaches_a_workspace_by_naming_it(world: World) {
    let service = Service::start(world).await;
    let own = service.world.workspace;
    let (other, _) = service.world.tenant(settings()).await;
    let key = service.key_of(own).await;
    let named = |workspace: Uuid| ids::format::<ids::Workspace>(workspace);
    let doors = &service.doors;
    let answer = doors
        .call(GET_WORKSPACE, &key, Some(&named(own)), Vec::new())
        .await
        .unwrap();
    assert_eq!(v1::Workspace::decode(answer.as_slice()).unwrap().id, named(own));
    let foreign = doors
        .call(GET_WORKSPACE, &key, Some(&named(other)), Vec::new())
        .await
        .unwrap_err();
    let unknown = doors
        .call(GET_WORKSPACE, &key, Some(&named(Uuid::from_u128(7))), Vec::new())
        .await
        .unwrap_err();
    assert_eq!(foreign.code(), Code::PermissionDenied);
    assert_eq!(seen(&foreign), seen(&unknown));
    let connector = service
        .key(&Bound::Destination("hubspot".to_owned()), Scope::ALL)
        .await;
    let refused = doors
        .call(LIST, &connector, Some(&named(own)), Vec::new())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

async fn a_workspace_named_anywhere_else_is_not_looked_at(world: World) {
    let service = Service::start(world).await;
    let (other, _) = service.world.tenant(settings()).await;
    let (own, other) = (service.world.workspace, ids::format::<ids::Workspace>(other));
    let http = Http::new(service.base()).bearer(service.key_of(own).await);
    let headers = [
        "x-tenant",
        "x-workspace",
        "workspace",
        "x-leads-workspace",
        "cookie",
    ];
    let headers = headers.map(|name| (name, other.as_str()));
    let answer = http
        .send(http::Method::GET, "/v1/workspace", &headers, None)
        .await
        .unwrap();
    assert_eq!(answer.json().unwrap()["id"], ids::format::<ids::Workspace>(own));
    let named = serde_json::json!({"workspace_id": other, "contact": {"email": "ana@leads.example"}});
    let refused = http.post("/v1/leads:collect", &named).await.unwrap();
    assert_eq!(refused.status, 400);
    let path = format!("/v1/workspace?workspace_id={other}");
    assert_eq!(http.get(&path).await.unwrap().status, 400);
}

async fn a_request_id_of_another_workspace_is_a_new_one(world: World) {
    let service = Service::start(world).await;
    let (other, _) = service.world.tenant(settings()).await;
    let request = v1::CollectLeadRequest {
        request_id: Uuid::from_u128(7).to_string(),
        ..warm("ana")
    };
    let mut leads = Vec::new();
    for workspace in [service.world.workspace, other] {
        let key = service.key_of(workspace).await;
        let first: v1::CollectLeadResponse = service.ask(COLLECT, &key, &request).await.unwrap();
        assert_eq!(first.result(), v1::CollectResult::Created);
        let again: v1::CollectLeadResponse = service.ask(COLLECT, &key, &request).await.unwrap();
        assert_eq!(again, first);
        leads.push(first.lead.unwrap().id);
    }
    assert_ne!(leads[0], leads[1]);
}

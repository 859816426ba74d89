//! Platform keys: one key for all workspaces, each named by the call.

use leads_proto::leads::v1;
use leads_svc::{
    domain::ids,
    service::principal::{Bound, Scope},
};
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

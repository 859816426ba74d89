//! Plans on the wire: how they are set, told and refused.

use leads_proto::leads::v1;
use leads_svc::{
    domain::plan::Plan,
    service::principal::{Bound, Scope},
};
use tonic::Code;
use tonic_types::StatusExt;

use super::service::{Service, reason};
use crate::world::{World, on_both_databases, warm};

on_both_databases!(
    the_operator_sets_a_plan_and_the_workspace_sees_it,
    a_refusal_names_what_is_missing_and_the_plan_that_has_it,
    calls_are_limited_by_the_plan,
);

const COLLECT: &str = "/leads.v1.LeadsService/CollectLead";
const LIST: &str = "/leads.v1.LeadsService/ListLeads";
const SET_PLAN: &str = "/leads.v1.WorkspacesService/SetPlan";
const GET_USAGE: &str = "/leads.v1.WorkspacesService/GetUsage";
const CONNECT: &str = "/leads.v1.IntegrationsService/ConnectProvider";

async fn set(service: &Service, plan: v1::Plan) {
    let operator = service.key(&Bound::Platform, &[Scope::PlatformWorkspaces]).await;
    let request = v1::SetPlanRequest { plan: plan.into() };
    let workspace: v1::Workspace = service
        .ask_in(service.world.workspace, SET_PLAN, &operator, &request)
        .await
        .unwrap();
    assert_eq!(workspace.plan(), plan);
}

async fn the_operator_sets_a_plan_and_the_workspace_sees_it(world: World) {
    let service = Service::start(world).await;
    set(&service, v1::Plan::Starter).await;
    let key = service.key_of(service.world.workspace).await;
    let answer: v1::CollectLeadResponse = service.ask(COLLECT, &key, &warm("ana")).await.unwrap();
    assert_eq!(answer.lead.unwrap().score, None);
    let usage: v1::Usage = service
        .ask(GET_USAGE, &key, &v1::GetUsageRequest {})
        .await
        .unwrap();
    assert_eq!(
        (usage.plan(), usage.captures, usage.leads),
        (v1::Plan::Starter, 1, 1)
    );
    assert_eq!(usage.entitlements, ["capture", "export"]);
    let limit = |name: &str| usage.limits.iter().find(|limit| limit.name == name).unwrap();
    let captures = limit("captures_per_month");
    assert_eq!((captures.used, captures.max), (Some(1), Some(2_500)));
    assert_eq!(captures.raised_by(), v1::Plan::Growth);
    // The first one of the workspace, and this one.
    assert_eq!(limit("keys").used, Some(2));
    assert_eq!(limit("calls_per_minute").used, None);
}

async fn a_refusal_names_what_is_missing_and_the_plan_that_has_it(world: World) {
    let service = Service::start(world).await;
    set(&service, v1::Plan::Free).await;
    let key = service.key_of(service.world.workspace).await;
    let request = v1::ConnectProviderRequest {
        provider: v1::Provider::Hubspot.into(),
        credentials: Some(v1::connect_provider_request::Credentials::Hubspot(
            v1::HubspotCredentials {
                access_token: "pat-test".to_owned(),
            },
        )),
        ..Default::default()
    };
    let refused = service
        .ask::<v1::Connection>(CONNECT, &key, &request)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "PLAN_REQUIRED")
    );
    let violation = &refused.get_details_precondition_failure().unwrap().violations[0];
    assert_eq!(
        (violation.r#type.as_str(), violation.subject.as_str()),
        ("PLAN", "crm_sync")
    );
    assert!(violation.description.contains("growth"), "{violation:?}");
    assert_eq!(
        refused.get_details_error_info().unwrap().metadata["unlocked_by"],
        "growth"
    );
}

async fn calls_are_limited_by_the_plan(world: World) {
    world
        .store
        .set_plan(world.workspace, Plan::Free, "test")
        .await
        .unwrap();
    let service = Service::start(world).await;
    // Two keys share what the workspace has.
    let keys = [
        service.key_of(service.world.workspace).await,
        service.key_of(service.world.workspace).await,
    ];
    let mut refused = Vec::new();
    for round in 0..150 {
        if let Err(status) = service.call(LIST, &keys[round % 2], Vec::new()).await {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            refused.push(status);
        }
    }
    // 120 a minute, and what comes back meanwhile.
    assert!((10..=30).contains(&refused.len()), "{}", refused.len());
    let status = &refused[0];
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!(reason(status), "RATE_LIMITED");
    assert_eq!(
        (metadata["limit"].as_str(), metadata["unlocked_by"].as_str()),
        ("calls_per_minute", "starter")
    );
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
}

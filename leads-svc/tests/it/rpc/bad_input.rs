//! What is wrong with a request: every field at once, and nothing that breaks the service.

use std::collections::BTreeSet;

use leads_proto::leads::{connector::v1 as wire, v1};
use leads_svc::{
    domain::ids,
    service::principal::{Bound, Scope},
};
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    service::{Service, methods, reason},
    wrong::wrong,
};
use crate::world::{World, granted, on_both_databases};

on_both_databases!(
    every_method_lists_every_field_that_is_wrong,
    every_method_refuses_bytes_that_are_no_message,
    items_of_a_batch_are_refused_one_by_one,
    a_report_is_recorded_whatever_the_vendor_said,
);

struct Keys {
    workspace: String,
    platform: String,
    connector: String,
}

impl Keys {
    async fn of(service: &Service) -> Self {
        Self {
            workspace: service.key_of(service.world.workspace).await,
            platform: service.key(&Bound::Platform, &[Scope::PlatformWorkspaces]).await,
            connector: service.connector_key("hubspot").await,
        }
    }

    fn of_method(&self, path: &str) -> &str {
        match path {
            "/leads.v1.WorkspacesService/CreateWorkspace" | "/leads.v1.WorkspacesService/SetPlan" => {
                &self.platform
            }
            _ if path.starts_with("/leads.connector.") => &self.connector,
            _ => &self.workspace,
        }
    }
}

async fn every_method_lists_every_field_that_is_wrong(world: World) {
    let service = Service::start(world).await;
    let keys = Keys::of(&service).await;
    for path in methods() {
        let Some((request, fields)) = wrong(&path) else {
            continue;
        };
        let refused = service
            .call(&path, keys.of_method(&path), request)
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "INVALID_FIELDS"),
            "{path}"
        );
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        let named: BTreeSet<&str> = violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        for field in fields {
            assert!(named.contains(field), "{path}: {field} is not in {named:?}");
        }
        let many = named.len() > 20;
        assert!(many || named.len() == fields.len(), "{path}: {named:?}");
        assert!(
            violations
                .iter()
                .all(|violation| !violation.description.is_empty())
        );
    }
}

async fn every_method_refuses_bytes_that_are_no_message(world: World) {
    let service = Service::start(world).await;
    let keys = Keys::of(&service).await;
    for path in methods() {
        for bytes in [vec![0x0a, 0xff], vec![0xff; 40], vec![0x0a, 0x02, 0x0a, 0x05]] {
            let Err(refused) = service.call(&path, keys.of_method(&path), bytes).await else {
                continue;
            };
            assert_eq!(refused.code(), Code::InvalidArgument, "{path}: {refused:?}");
        }
        let refused = service
            .call(&path, keys.of_method(&path), vec![0x0a, 0xff])
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "MALFORMED_REQUEST", "{path}");
    }
}

async fn items_of_a_batch_are_refused_one_by_one(world: World) {
    use v1::batch_collect_result::Outcome;
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    let request = v1::BatchCollectLeadsRequest {
        requests: vec![
            crate::world::warm("ana"),
            v1::CollectLeadRequest::default(),
            crate::world::warm("bo"),
        ],
    };
    let path = "/leads.v1.LeadsService/BatchCollectLeads";
    let answer: v1::BatchCollectLeadsResponse = service.ask(path, &key, &request).await.unwrap();
    let outcomes: Vec<Outcome> = answer
        .results
        .into_iter()
        .filter_map(|result| result.outcome)
        .collect();
    let [
        Outcome::Response(first),
        Outcome::Problem(problem),
        Outcome::Response(last),
    ] = outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        (first.result(), last.result()),
        (v1::CollectResult::Created, v1::CollectResult::Created)
    );
    assert_eq!(
        (problem.reason.as_str(), problem.field_problems[0].field.as_str()),
        ("INVALID_FIELDS", "channel")
    );
}

async fn a_report_is_recorded_whatever_the_vendor_said(world: World) {
    use wire::job_outcome::Outcome;
    let connection = world.connect().await;
    for person in 0..6 {
        world.lead(&format!("person{person}")).await;
    }
    let service = Service::start(world).await;
    let key = service.connector_key("hubspot").await;
    let odd = || format!("\0{}\u{1F600}\0", "ä".repeat(3_000));
    let odd_reason = || v1::SyncReason {
        code: odd(),
        message: odd(),
        field: odd(),
        hint: odd(),
    };
    let retry = || wire::Retry {
        class: odd(),
        message: odd(),
        vendor_code: odd(),
        after: None,
    };
    let mut said = vec![
        Outcome::Delivered(wire::Delivered {
            external_id: odd(),
            url: odd(),
        }),
        Outcome::Retry(retry()),
        Outcome::Rejected(wire::Rejected {
            code: odd(),
            message: odd(),
            field: odd(),
            hint: odd(),
            vendor_code: odd(),
        }),
        Outcome::Unknown(wire::Unknown { why: odd() }),
        Outcome::Verified(wire::Verified {
            external_id: odd(),
            url: odd(),
            revision: 1,
        }),
        Outcome::Paused(wire::Paused {
            r#for: None,
            reason: Some(odd_reason()),
            connection_version: 0,
        }),
    ];
    let hints = service.world.publish().await;
    let mut outcomes = Vec::new();
    for (hint, claimed) in hints.iter().zip(service.world.claim(&hints).await) {
        outcomes.push(wire::JobOutcome {
            job_id: ids::format::<ids::Job>(hint.job),
            lease_token: granted(claimed).token.to_string(),
            calls: 1,
            outcome: said.pop(),
        });
    }
    let path = "/leads.connector.v1.ConnectorService/ReportOutcomes";
    let request = wire::ReportOutcomesRequest { outcomes };
    let answer: wire::ReportOutcomesResponse = service.ask(path, &key, &request).await.unwrap();
    assert_eq!(answer.results.len(), 6);
    assert!(
        answer
            .results
            .iter()
            .all(|result| result.status() == wire::ReportStatus::Recorded)
    );
    assert_eq!(service.world.connection(connection).await.state, "paused");
}

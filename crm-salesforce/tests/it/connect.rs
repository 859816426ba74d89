//! The connection task.

use leads_proto::leads::v1::SyncReason;
use leads_runtime::delivery::TaskOutcome;
use leads_testkit::fakes::salesforce::{
    Answer, DEFAULT_CLIENT_ID, DEFAULT_ORG, Fault, FieldSpec, Route, SalesforceOptions,
};

use crate::support::{Bench, Setting};

async fn refused(bench: &Bench) -> SyncReason {
    match bench.connect().await {
        TaskOutcome::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_check_learns_the_org_its_host_and_its_day_and_keeps_the_session() {
    let bench = Bench::unconnected(Setting::default()).await;
    let facts = bench.connected().await;
    assert_eq!(facts.account_id, DEFAULT_ORG);
    assert_eq!(format!("http://{}", facts.ui_domain), bench.salesforce.base_url());
    assert_eq!(facts.limits.unwrap().daily_calls, 115_000);
    assert_eq!(bench.leads.of_tasks(), 1);
    assert_eq!(bench.salesforce.leads().len(), 0, "a check makes no lead");
}

#[tokio::test]
async fn every_field_that_is_missing_is_named_with_its_type_and_the_place() {
    let bench = Bench::unconnected(Setting {
        options: SalesforceOptions {
            leads_fields: false,
            ..SalesforceOptions::default()
        },
        ..Setting::default()
    })
    .await;
    let reason = refused(&bench).await;
    assert_eq!(reason.code, "FIELDS");
    for piece in [
        "Leads_Lead_Id__c Text(40), Unique, External ID",
        "Leads_Revision__c Number",
        "Leads_Hot__c Checkbox",
        "Leads_Timing_Points__c",
    ] {
        assert!(reason.message.contains(piece), "{piece}: {}", reason.message);
    }
    assert!(reason.hint.contains("Object Manager") && reason.hint.contains("field-level security"));
}

#[tokio::test]
async fn fields_that_cannot_be_used_are_told_from_those_that_are_missing() {
    let bench = Bench::unconnected(Setting::default()).await;
    for (field, expected) in [
        (
            FieldSpec::text("Leads_Lead_Id__c", 40),
            "must be Unique and External ID",
        ),
        (FieldSpec::text("Leads_Lead_Id__c", 10).key(), "must be Text(40)"),
        (
            FieldSpec::text("Leads_Lead_Id__c", 40).key().read_only(),
            "must be editable",
        ),
        (FieldSpec::number("Leads_Lead_Id__c"), "is double"),
    ] {
        bench.salesforce.define_field(field);
        let reason = refused(&bench).await;
        assert_eq!(reason.field, "Leads_Lead_Id__c");
        assert!(
            reason.message.contains(expected),
            "{expected}: {}",
            reason.message
        );
    }
}

#[tokio::test]
async fn a_mandatory_field_that_nothing_is_written_to_is_named_before_leads_fail_of_it() {
    let bench = Bench::unconnected(Setting::default()).await;
    bench
        .salesforce
        .define_field(FieldSpec::text("Region__c", 20).required());
    let reason = refused(&bench).await;
    assert_eq!(
        (reason.code.as_str(), reason.field.as_str()),
        ("MANDATORY_FIELDS", "Region__c")
    );
}

#[tokio::test]
async fn credentials_and_addresses_that_do_not_work_are_refused() {
    let bench = Bench::unconnected(Setting {
        client_id: "unknown",
        ..Setting::default()
    })
    .await;
    let reason = refused(&bench).await;
    assert_eq!(reason.code, "CREDENTIALS");
    assert!(reason.message.contains("invalid_client_id"), "{}", reason.message);

    let mut bench = Bench::unconnected(Setting::default()).await;
    use leads_proto::leads::connector::v1::get_connection_response::Credentials;
    if let Some(Credentials::Salesforce(secret)) = &mut bench.connection.settings.credentials {
        secret.credentials.as_mut().unwrap().login_url = "http://169.254.169.254".into();
    }
    let reason = refused(&bench).await;
    assert!(reason.message.contains("login address"), "{}", reason.message);
    assert_eq!(bench.salesforce.tokens_issued(DEFAULT_CLIENT_ID), 0);
}

#[tokio::test]
async fn an_org_that_lacks_the_version_is_refused_and_one_that_rests_is_asked_again() {
    let bench = Bench::unconnected(Setting {
        options: SalesforceOptions {
            versions: vec!["70.0".into()],
            ..SalesforceOptions::default()
        },
        ..Setting::default()
    })
    .await;
    assert_eq!(refused(&bench).await.code, "API_VERSION");

    let bench = Bench::unconnected(Setting::default()).await;
    for (route, answer) in [
        (Route::Token, Answer::Html(503)),
        (Route::Describe, Answer::Html(503)),
        (Route::Describe, Answer::DailyLimit),
    ] {
        bench
            .salesforce
            .inject(Fault::answer(answer).route(route).times(1));
        assert!(
            matches!(bench.connect().await, TaskOutcome::Retry { .. }),
            "{route:?}"
        );
    }
}

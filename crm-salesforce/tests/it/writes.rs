//! What Salesforce has after a write.

use leads_runtime::delivery::{Destination, Outcome};
use leads_testkit::fakes::salesforce::{DuplicateRule, Fault, RequestFilter, Route, SalesforceOptions};

use crate::support::{Bench, Setting, by_job, id_of, item, lease, linked};

#[tokio::test]
async fn a_lead_arrives_with_everything_that_is_known_of_it() {
    let bench = Bench::start(Setting::default()).await;
    let outcome = bench.write_one(item(1)).await;
    let record = bench.record_of("lead_1");
    assert_eq!(id_of(&outcome), record.id);
    for (field, value) in [
        ("FirstName", "Ada"),
        ("LastName", "Lovelace"),
        ("Company", "Analytical Engines"),
        ("Email", "person1@example.org"),
        ("Status", "Open - Not Contacted"),
        ("Leads_Revision__c", "1"),
        ("Leads_Score__c", "81"),
        ("Leads_Score_Band__c", "hot"),
        ("Leads_Hot__c", "true"),
        ("Leads_Stage__c", "new"),
        ("Leads_Channel__c", "widget"),
        ("Leads_Budget_Points__c", "20"),
        ("Leads_Need_Points__c", "25"),
        ("Leads_Timing_Points__c", ""),
    ] {
        assert_eq!(record.text(field), value, "{field}");
    }
}

#[tokio::test]
async fn two_hundred_leads_are_one_call_and_a_revision_changes_the_same_record() {
    let bench = Bench::start(Setting::default()).await;
    let outcomes = bench.write((0..201).map(item).collect()).await;
    assert_eq!(bench.routes(), [Route::Token, Route::Upsert, Route::Upsert]);
    let id = id_of(&outcomes["job-007"].outcome);
    let again = bench.write_one(linked(7, &id)).await;
    assert_eq!(id_of(&again), id);
    assert_eq!(bench.record_of("lead_7").revisions, [1, 2]);
    assert_eq!(bench.salesforce.leads().len(), 201);
    bench.assert_sound();
}

#[tokio::test]
async fn a_name_that_is_not_known_is_said_so_once_and_never_wipes_what_sales_typed_in() {
    let bench = Bench::start(Setting::default()).await;
    let mut nameless = item(1);
    nameless.lead.name = String::new();
    nameless.lead.company = String::new();
    let id = id_of(&bench.write_one(nameless.clone()).await);
    assert_eq!(bench.record_of("lead_1").text("LastName"), "[not provided]");
    let typed = serde_json::json!({"LastName": "Lovelace", "Company": "Engines"});
    bench
        .salesforce
        .edit_lead(Some(&id), typed.as_object().unwrap())
        .unwrap();
    nameless.lead.external_id = id;
    nameless.lead.revision = 2;
    bench.write_one(nameless).await;
    let record = bench.record_of("lead_1");
    assert_eq!(
        (record.text("LastName"), record.text("Company")),
        ("Lovelace".into(), "Engines".into())
    );
}

#[tokio::test]
async fn a_record_that_somebody_deleted_is_made_anew() {
    let bench = Bench::start(Setting::default()).await;
    let mut nameless = linked(1, "");
    nameless.lead.name = String::new();
    let id = id_of(&bench.write_one(nameless.clone()).await);
    bench.salesforce.delete_lead(&id).unwrap();
    nameless.lead.external_id = id.clone();
    nameless.lead.revision = 3;
    let anew = id_of(&bench.write_one(nameless).await);
    assert_ne!(anew, id);
    assert_eq!(bench.record_of("lead_1").text("LastName"), "[not provided]");
}

#[tokio::test]
async fn one_bad_lead_fails_alone_and_says_why() {
    let bench = Bench::start(Setting::default()).await;
    let mut bad = item(1);
    bad.lead.email = "nobody".into();
    let outcomes = bench.write(vec![item(0), bad, item(2)]).await;
    id_of(&outcomes["job-000"].outcome);
    id_of(&outcomes["job-002"].outcome);
    match &outcomes["job-001"].outcome {
        Outcome::Rejected {
            code: "VALIDATION",
            field,
            vendor_code,
            ..
        } => assert_eq!(
            (field.as_str(), vendor_code.as_str()),
            ("Email", "INVALID_EMAIL_ADDRESS")
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.routes(), [Route::Token, Route::Upsert], "one call for all");
}

#[tokio::test]
async fn assignment_rules_do_not_run_and_rules_that_only_warn_let_pass() {
    let bench = Bench::start(Setting {
        options: SalesforceOptions {
            assigns: true,
            duplicate_rule: DuplicateRule::Alert,
            ..SalesforceOptions::default()
        },
        ..Setting::default()
    })
    .await;
    bench.write_one(item(1)).await;
    let mut same_address = item(2);
    same_address.lead.email = "person1@example.org".into();
    id_of(&bench.write_one(same_address).await);
    assert!(bench.record_of("lead_1").text("OwnerId").starts_with("005"));
    let log = bench.salesforce.requests(&RequestFilter::default());
    let upserts = log.iter().filter(|entry| entry.route == Route::Upsert);
    assert!(
        upserts.clone().count() == 2
            && upserts
                .clone()
                .all(|it| it.auto_assign.as_deref() == Some("FALSE"))
    );
}

#[tokio::test]
async fn a_rule_that_blocks_duplicates_is_an_error_with_the_way_out() {
    let bench = Bench::start(Setting {
        options: SalesforceOptions {
            duplicate_rule: DuplicateRule::Block,
            ..SalesforceOptions::default()
        },
        ..Setting::default()
    })
    .await;
    bench.write_one(item(1)).await;
    let mut same_address = item(2);
    same_address.lead.email = "person1@example.org".into();
    match bench.write_one(same_address).await {
        Outcome::Rejected {
            code: "DUPLICATES_DETECTED",
            hint,
            ..
        } => assert!(hint.contains("merge"), "{hint}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_converted_lead_is_skipped_with_a_reason() {
    let bench = Bench::start(Setting::default()).await;
    let id = id_of(&bench.write_one(item(1)).await);
    bench.salesforce.convert_lead(&id).unwrap();
    match bench.write_one(linked(1, &id)).await {
        Outcome::Rejected {
            code: "CONVERTED", ..
        } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.record_of("lead_1").revisions, [1]);
}

#[tokio::test]
async fn the_loser_of_two_writes_of_a_new_key_finds_the_record() {
    let bench = Bench::start(Setting::default()).await;
    let race = Fault::rows(
        "DUPLICATE_VALUE",
        "duplicate value found: Leads_Lead_Id__c",
        &["lead_1"],
    );
    bench.salesforce.inject(race.route(Route::Upsert).times(1));
    let outcomes = bench.write(vec![item(0), item(1)]).await;
    id_of(&outcomes["job-001"].outcome);
    assert_eq!((outcomes["job-000"].calls, outcomes["job-001"].calls), (1, 2));
    bench.assert_sound();
}

#[tokio::test]
async fn a_read_back_says_the_revision_or_that_there_is_none() {
    let bench = Bench::start(Setting::default()).await;
    let id = id_of(&bench.write_one(linked(1, "")).await);
    let items = (0..450).map(item).collect();
    let outcomes = by_job(bench.connector.verify(&bench.connection, items, lease()).await);
    assert_eq!(outcomes.len(), 450);
    match &outcomes["job-001"].outcome {
        Outcome::Verified {
            external_id,
            revision: 2,
            ..
        } => assert_eq!(*external_id, id),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        &outcomes["job-002"].outcome,
        Outcome::Verified { external_id, revision: 0, .. } if external_id.is_empty()
    ));
}

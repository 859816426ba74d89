//! Everything that Salesforce may answer instead of a result.

use std::time::Duration;

use leads_runtime::delivery::{Destination, Outcome};
use leads_testkit::fakes::salesforce::{Answer, Apply, DEFAULT_CLIENT_ID, Fault, Route};

use crate::support::{Bench, Setting, id_of, item, lease};

async fn outcome_of(fault: Fault) -> (Bench, Outcome) {
    let bench = Bench::start(Setting {
        timeout: Duration::from_secs(1),
        ..Setting::default()
    })
    .await;
    bench.salesforce.inject(fault.route(Route::Upsert));
    let outcome = bench.write_one(item(1)).await;
    (bench, outcome)
}

#[tokio::test]
async fn a_locked_record_is_tried_later_and_its_neighbours_are_written() {
    let bench = Bench::start(Setting::default()).await;
    let lock = Fault::rows(
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access",
        &["lead_1"],
    );
    bench.salesforce.inject(lock.route(Route::Upsert).times(1));
    let outcomes = bench.write(vec![item(0), item(1), item(2)]).await;
    assert!(matches!(
        &outcomes["job-001"].outcome,
        Outcome::Retry { class: "LOCKED", .. }
    ));
    id_of(&outcomes["job-000"].outcome);
    id_of(&outcomes["job-002"].outcome);
    id_of(&bench.write_one(item(1)).await);
    bench.assert_sound();
}

#[tokio::test]
async fn a_used_up_day_rests_the_connection_and_nobody_calls_meanwhile() {
    let (bench, outcome) = outcome_of(Fault::answer(Answer::DailyLimit).times(1)).await;
    match outcome {
        Outcome::Paused { for_, reason } => {
            assert_eq!(
                (for_, reason.code.as_str()),
                (Some(Duration::from_secs(3600)), "DAILY_LIMIT")
            );
        }
        other => panic!("{other:?}"),
    }
    bench.salesforce.clear_requests();
    assert_eq!(bench.write_one(item(2)).await, Outcome::NotStarted);
    assert_eq!(bench.routes(), []);
}

#[tokio::test]
async fn too_many_long_calls_are_a_matter_of_seconds() {
    let (_bench, outcome) = outcome_of(Fault::answer(Answer::ConcurrentLimit)).await;
    assert!(
        matches!(&outcome, Outcome::Retry { class: "RATE_LIMITED", after: Some(after), .. } if after.as_secs() == 5),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn pages_of_maintenance_are_an_outage_without_repeats() {
    for status in [420, 500, 502, 503] {
        let (bench, outcome) = outcome_of(Fault::answer(Answer::Html(status))).await;
        assert!(
            matches!(
                outcome,
                Outcome::Retry {
                    class: "UNAVAILABLE",
                    ..
                }
            ),
            "{status}: {outcome:?}"
        );
        assert_eq!(bench.routes(), [Route::Token, Route::Upsert], "{status}");
    }
}

#[tokio::test]
async fn a_write_that_took_effect_without_an_answer_is_unknown_and_its_repeat_makes_no_second_lead() {
    for answer in [
        Answer::Cut,
        Answer::Hang,
        Answer::GarbageJson,
        Answer::MissingRows,
    ] {
        let (bench, outcome) = outcome_of(Fault::answer(answer.clone()).apply(Apply::Once).times(1)).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{answer:?}: {outcome:?}"
        );
        let again = bench.write_one(item(1)).await;
        assert_eq!(id_of(&again), bench.record_of("lead_1").id, "{answer:?}");
        assert_eq!(bench.salesforce.leads().len(), 1, "{answer:?}");
        bench.assert_sound();
    }
}

#[tokio::test]
async fn a_write_that_is_carried_out_twice_makes_one_lead() {
    let (bench, outcome) = outcome_of(Fault::apply_twice()).await;
    assert_eq!(id_of(&outcome), bench.record_of("lead_1").id);
    assert_eq!(bench.salesforce.leads().len(), 1);
}

#[tokio::test]
async fn a_field_that_somebody_deleted_rests_the_connection_instead_of_rejecting_leads() {
    for field in ["Leads_Lead_Id__c", "Leads_Revision__c", "Leads_Score__c"] {
        let bench = Bench::start(Setting::default()).await;
        bench.salesforce.remove_field(field);
        match bench.write_one(item(1)).await {
            Outcome::Paused { for_: None, reason } => assert_eq!(reason.code, "FIELDS", "{field}"),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_app_that_was_taken_away_rests_the_connection_until_a_person_acts() {
    let bench = Bench::start(Setting::default()).await;
    id_of(&bench.write_one(item(1)).await);
    bench.salesforce.revoke_app(DEFAULT_CLIENT_ID);
    match bench.write_one(item(2)).await {
        Outcome::Paused { for_: None, reason } => {
            assert_eq!(reason.code, "CREDENTIALS");
            assert!(reason.message.contains("invalid_client_id"), "{}", reason.message);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_salesforce_that_cannot_be_reached_is_a_retry_and_nothing_is_in_doubt() {
    let bench = Bench::start(Setting::default()).await;
    id_of(&bench.write_one(item(1)).await);
    let Bench {
        salesforce,
        connector,
        connection,
        leads: _leads,
        ..
    } = bench;
    salesforce.shutdown().await;
    let outcomes = connector.write(&connection, vec![item(2)], lease()).await;
    assert!(
        matches!(
            outcomes[0].outcome,
            Outcome::Retry {
                class: "UNAVAILABLE",
                ..
            }
        ),
        "{outcomes:?}"
    );
}

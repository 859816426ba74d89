//! Records that are to be gone.

use leads_runtime::delivery::{Destination, Outcome};
use leads_testkit::fakes::salesforce::{Answer, Apply, Fault, Route};

use crate::support::{Bench, Setting, id_of, item, lease};

fn gone(outcome: &Outcome) -> u32 {
    match outcome {
        Outcome::Gone { records } => *records,
        other => panic!("{other:?}"),
    }
}

async fn remove(bench: &Bench, n: usize) -> Outcome {
    let mut outcomes = bench
        .connector
        .remove(&bench.connection, vec![item(n)], lease())
        .await;
    outcomes.pop().unwrap().outcome
}

async fn erase(bench: &Bench, n: usize) -> Outcome {
    let mut outcomes = bench
        .connector
        .erase(&bench.connection, vec![item(n)], lease())
        .await;
    outcomes.pop().unwrap().outcome
}

#[tokio::test]
async fn a_removed_lead_goes_to_the_recycle_bin_and_repeating_it_does_no_harm() {
    let bench = Bench::start(Setting::default()).await;
    bench.write(vec![item(1), item(2)]).await;
    assert_eq!(gone(&remove(&bench, 1).await), 1);
    assert_eq!(gone(&remove(&bench, 1).await), 0);
    let live: Vec<_> = bench
        .salesforce
        .leads()
        .into_iter()
        .filter(|lead| !lead.is_deleted)
        .collect();
    assert_eq!(live.len(), 1);
    let looked = bench
        .connector
        .verify_gone(&bench.connection, vec![item(1), item(2)], false, lease())
        .await;
    let found = |n: usize| match &looked[n].outcome {
        Outcome::Verified { external_id, .. } => external_id.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((found(0), found(1)), (String::new(), live[0].id.clone()));
}

#[tokio::test]
async fn what_an_erased_lead_said_of_its_person_is_not_in_the_recycle_bin_either() {
    let bench = Bench::start(Setting::default()).await;
    bench.write_one(item(1)).await;
    assert_eq!(gone(&erase(&bench, 1).await), 1);
    let binned = bench.salesforce.leads().pop().unwrap();
    assert!(binned.is_deleted);
    let text = format!("{binned:?}");
    for piece in ["Ada", "Lovelace", "person1", "Analytical"] {
        assert!(!text.contains(piece), "{text}");
    }
    assert_eq!(gone(&erase(&bench, 1).await), 0);
}

#[tokio::test]
async fn a_record_that_is_of_another_lead_by_now_is_left_alone() {
    let bench = Bench::start(Setting::default()).await;
    let other = id_of(&bench.write_one(item(2)).await);
    let mut job = item(1);
    job.record_ids = vec![other.clone(), "no id".into()];
    let outcomes = bench.connector.erase(&bench.connection, vec![job], lease()).await;
    assert!(matches!(
        &outcomes[0].outcome,
        Outcome::Rejected {
            code: "RECORD_NOT_OURS",
            ..
        }
    ));
    assert!(!bench.salesforce.leads()[0].is_deleted);
}

#[tokio::test]
async fn a_converted_lead_is_not_erased_behind_its_contacts_back() {
    let bench = Bench::start(Setting::default()).await;
    let id = id_of(&bench.write_one(item(1)).await);
    bench.salesforce.convert_lead(&id).unwrap();
    match erase(&bench, 1).await {
        Outcome::Rejected {
            code: "CONVERTED",
            hint,
            ..
        } => assert!(hint.contains("contact"), "{hint}"),
        other => panic!("{other:?}"),
    }
    bench.salesforce.delete_lead(&id).unwrap();
    assert_eq!(gone(&erase(&bench, 1).await), 0, "a person has done it");
}

#[tokio::test]
async fn a_record_that_somebody_deletes_meanwhile_is_gone() {
    let bench = Bench::start(Setting::default()).await;
    bench.write_one(item(1)).await;
    let faster = Fault::rows("ENTITY_IS_DELETED", "entity is deleted", &[]);
    bench.salesforce.inject(faster.route(Route::Delete).times(1));
    assert_eq!(gone(&remove(&bench, 1).await), 0);
}

#[tokio::test]
async fn a_deletion_without_an_answer_is_unknown_and_its_repeat_finds_nothing() {
    let bench = Bench::start(Setting::default()).await;
    bench.write_one(item(1)).await;
    let cut = Fault::answer(Answer::Cut).apply(Apply::Once);
    bench.salesforce.inject(cut.route(Route::Delete).times(1));
    assert!(matches!(remove(&bench, 1).await, Outcome::Unknown { .. }));
    assert_eq!(gone(&remove(&bench, 1).await), 0);
}

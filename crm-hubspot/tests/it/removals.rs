//! Records that are archived, erased and looked for, on a HubSpot with all of its traps.

use leads_runtime::delivery::{Destination, LeaseBudget, Outcome, WorkItem};
use leads_runtime::stream::Lane;
use leads_testkit::fakes::hubspot::{Answer, Fault, Route};

use crate::support::{Bench, PORTAL, Setting, item, lease, record_of};

/// The job of a lead whose records are to be gone.
fn to_go(n: usize, records: &[u64]) -> WorkItem {
    let mut item = item(n);
    item.lead = leads_runtime::delivery::connector::LeadSnapshot {
        lead_id: format!("lead_{n}"),
        ..Default::default()
    };
    item.record_ids = records.iter().map(u64::to_string).collect();
    item.lead_ids = vec![format!("lead_{n}")];
    item
}

impl Bench {
    async fn remove(&self, item: WorkItem) -> Outcome {
        only(self.connector.remove(&self.connection, vec![item], lease()).await)
    }

    async fn erase(&self, item: WorkItem) -> Outcome {
        only(self.connector.erase(&self.connection, vec![item], lease()).await)
    }

    async fn look(&self, item: WorkItem, archived: bool) -> Outcome {
        only(
            self.connector
                .verify_gone(&self.connection, vec![item], archived, lease())
                .await,
        )
    }
}

fn only(outcomes: Vec<leads_runtime::delivery::ItemOutcome>) -> Outcome {
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().unwrap().outcome
}

fn gone(records: u32) -> Outcome {
    Outcome::Gone { records }
}

fn there(record: impl ToString) -> Outcome {
    Outcome::Verified {
        external_id: record.to_string(),
        url: String::new(),
        revision: 0,
    }
}

#[tokio::test]
async fn a_removed_record_is_in_the_recycle_bin_and_an_erased_one_nowhere() {
    let bench = Bench::start(Setting::default()).await;
    let record = record_of(&bench.write_one(item(1)).await);
    assert_eq!(bench.look(to_go(1, &[record]), false).await, there(record));
    assert_eq!(bench.remove(to_go(1, &[record])).await, gone(1));
    assert!(bench.hubspot.find_contact(PORTAL, record).unwrap().archived);
    assert_eq!(bench.look(to_go(1, &[record]), false).await, there(""));
    assert_eq!(bench.look(to_go(1, &[record]), true).await, there(record));
    assert_eq!(bench.remove(to_go(1, &[record])).await, gone(0), "again");
    assert_eq!(bench.erase(to_go(1, &[record])).await, gone(1));
    assert_eq!(bench.hubspot.find_contact(PORTAL, record), None);
    assert!(bench.hubspot.is_erased(PORTAL, record));
    assert_eq!(bench.look(to_go(1, &[record]), true).await, there(""));
    assert_eq!(bench.erase(to_go(1, &[record])).await, gone(0), "again");
}

#[tokio::test]
async fn records_that_the_job_does_not_know_are_found_by_our_key() {
    let bench = Bench::start(Setting::default()).await;
    let old = record_of(&bench.write_one(item(1)).await);
    bench.hubspot.delete_contact(PORTAL, old).unwrap();
    let new = record_of(&bench.write_one(item(1)).await);
    assert_ne!(old, new);
    assert_eq!(bench.erase(to_go(1, &[old])).await, gone(2));
    assert!(bench.hubspot.contacts(PORTAL).unwrap().is_empty());
    assert_eq!(bench.erase(to_go(2, &[])).await, gone(0), "never written");
}

#[tokio::test]
async fn an_erasure_names_records_by_id_and_never_by_address() {
    let bench = Bench::start(Setting::default()).await;
    let record = record_of(&bench.write_one(item(1)).await);
    bench.hubspot.clear_requests();
    bench.erase(to_go(1, &[record])).await;
    assert_eq!(
        bench.routes(),
        [Route::BatchRead, Route::BatchRead, Route::GdprDelete]
    );
    let requests = bench.hubspot.requests(&Default::default());
    assert_eq!(requests[2].rows[0].key, record.to_string());
}

#[tokio::test]
async fn a_record_of_somebody_else_is_left_alone() {
    let bench = Bench::start(Setting::default()).await;
    let mine = record_of(&bench.write_one(item(1)).await);
    let theirs = record_of(&bench.write_one(item(2)).await);
    let by_hand = bench
        .hubspot
        .edit_contact(PORTAL, None, &[("email", "by.hand@example.org")])
        .unwrap();
    for other in [theirs, by_hand] {
        assert_eq!(
            bench.remove(to_go(1, &[other])).await,
            gone(u32::from(other == theirs))
        );
        let erased = bench.erase(to_go(1, &[other])).await;
        assert!(
            matches!(&erased, Outcome::Rejected { code: "RECORD_NOT_OURS", message, .. }
                if message.contains(&other.to_string())),
            "{erased:?}"
        );
        assert!(!bench.hubspot.find_contact(PORTAL, other).unwrap().archived);
    }
    assert!(bench.hubspot.find_contact(PORTAL, mine).unwrap().archived);
}

#[tokio::test]
async fn records_that_a_person_merged_in_hubspot_are_erased_as_one() {
    let bench = Bench::start(Setting::default()).await;
    let one = record_of(&bench.write_one(item(1)).await);
    let other = record_of(&bench.write_one(item(2)).await);
    bench.hubspot.merge_contacts(PORTAL, one, other).unwrap();
    let mut first = to_go(1, &[one]);
    let mut second = to_go(2, &[other]);
    for item in [&mut first, &mut second] {
        item.lead_ids = vec!["lead_1".to_owned(), "lead_2".to_owned()];
    }
    assert_eq!(bench.erase(second.clone()).await, gone(1));
    assert_eq!(bench.erase(first).await, gone(0));
    assert_eq!(bench.look(second, true).await, there(""));
    assert!(bench.hubspot.contacts(PORTAL).unwrap().is_empty());
}

#[tokio::test]
async fn hubspots_failures_are_told_and_end_the_batch() {
    let bench = Bench::start(Setting::default()).await;
    let mut items = Vec::new();
    for n in 1..=3 {
        let record = record_of(&bench.write_one(item(n)).await);
        items.push(to_go(n, &[record]));
    }
    bench.hubspot.clear_requests();
    let unavailable = Fault::status(503).route(Route::GdprDelete);
    let fault = bench.hubspot.inject(unavailable).unwrap();
    let outcomes = bench
        .connector
        .erase(&bench.connection, items.clone(), lease())
        .await;
    for outcome in &outcomes {
        assert!(
            matches!(
                outcome.outcome,
                Outcome::Retry {
                    class: "UNAVAILABLE",
                    ..
                }
            ),
            "{outcome:?}"
        );
    }
    let deletes = bench
        .routes()
        .into_iter()
        .filter(|route| *route == Route::GdprDelete);
    assert!(deletes.count() <= 3, "the others were not tried");
    bench.hubspot.clear_fault(fault);
    let outcomes = bench.connector.erase(&bench.connection, items, lease()).await;
    assert!(outcomes.iter().all(|it| it.outcome == gone(1)), "{outcomes:?}");
}

#[tokio::test]
async fn an_id_that_hubspot_answers_with_a_404_counts_as_gone() {
    let bench = Bench::start(Setting::default()).await;
    let record = record_of(&bench.write_one(item(1)).await);
    let json = r#"{"status":"error","category":"OBJECT_NOT_FOUND","message":"resource not found"}"#;
    for body in [json, "<html>We can't find the page you're looking for.</html>"] {
        let answer = Answer::Status {
            status: 404,
            body: Some(body.to_owned()),
            headers: Default::default(),
            content_type: None,
        };
        let fault = Fault::answer(answer).route(Route::GdprDelete).times(1);
        bench.hubspot.inject(fault).unwrap();
        // Known once, and nowhere to be seen any more.
        assert_eq!(bench.erase(to_go(9, &[7])).await, gone(0));
    }
    assert_eq!(bench.erase(to_go(1, &[record])).await, gone(1));
}

#[tokio::test]
async fn nothing_is_sent_without_time() {
    let bench = Bench::start(Setting::default()).await;
    bench.hubspot.clear_requests();
    let over = LeaseBudget::new(std::time::Duration::ZERO, Lane::Normal);
    let outcomes = bench
        .connector
        .erase(&bench.connection, vec![to_go(1, &[7]), to_go(2, &[8])], over)
        .await;
    assert!(
        outcomes.iter().all(|it| it.outcome == Outcome::NotStarted),
        "{outcomes:?}"
    );
    assert!(bench.routes().is_empty());
}

//! Every row gets one outcome, whatever is answered.

use leads_proto::leads::connector::v1::LeadSnapshot;

use super::*;
use crate::api::{RowError, RowResult};
use crate::errors::Fault;
use crate::service::Reply;
use leads_runtime::delivery::{Outcome, WorkItem};

fn items(count: usize) -> Vec<WorkItem> {
    (0..count)
        .map(|n| WorkItem {
            job_id: format!("job-{n:03}"),
            lease_token: "t".into(),
            lead: LeadSnapshot {
                lead_id: format!("lead_{n}"),
                ..LeadSnapshot::default()
            },
            record_ids: Vec::new(),
            lead_ids: Vec::new(),
            attempt: 0,
            solo: false,
            traceparent: String::new(),
        })
        .collect()
}

fn written(id: &str) -> RowResult {
    RowResult {
        id: id.to_owned(),
        success: true,
        errors: Vec::new(),
    }
}

fn refused(code: &str) -> RowResult {
    RowResult {
        errors: vec![RowError {
            status_code: code.to_owned(),
            message: "x".to_owned(),
            fields: Vec::new(),
        }],
        ..RowResult::default()
    }
}

#[test]
fn an_answer_of_another_length_delivers_nobody() {
    for results in [vec![], vec![written("1")], vec![written("1"); 3]] {
        let mut plan = Plan::write(&items(2), "");
        let step = plan.next_step().unwrap();
        plan.settle(step, Reply::Answer(results), 1);
        let outcomes = plan.finish();
        assert_eq!(outcomes.len(), 2);
        assert!(
            outcomes
                .iter()
                .all(|it| matches!(it.outcome, Outcome::Unknown { .. }))
        );
    }
}

#[test]
fn results_belong_to_rows_by_their_order() {
    let mut plan = Plan::write(&items(3), "acme.my.salesforce.com");
    let step = plan.next_step().unwrap();
    let results = vec![written("a"), refused("STRING_TOO_LONG"), written("c")];
    plan.settle(step, Reply::Answer(results), 1);
    let outcomes = plan.finish();
    let id = |n: usize| match &outcomes[n].outcome {
        Outcome::Delivered { external_id, .. } => external_id.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((id(0), id(2)), ("a".to_owned(), "c".to_owned()));
    assert!(matches!(
        &outcomes[1].outcome,
        Outcome::Rejected {
            code: "VALIDATION",
            ..
        }
    ));
}

#[test]
fn the_loser_of_a_race_is_sent_once_more_and_not_again() {
    let mut plan = Plan::write(&items(2), "");
    let step = plan.next_step().unwrap();
    plan.settle(
        step,
        Reply::Answer(vec![written("a"), refused("DUPLICATE_VALUE")]),
        1,
    );
    let again = plan.next_step().unwrap();
    assert_eq!(again.len(), 1);
    plan.settle(again, Reply::Answer(vec![refused("DUPLICATE_VALUE")]), 1);
    assert!(plan.next_step().is_none());
    let last = plan.finish().pop().unwrap();
    assert_eq!(last.calls, 2);
    assert!(matches!(
        last.outcome,
        Outcome::Rejected {
            code: "DUPLICATE_VALUE",
            ..
        }
    ));
}

#[test]
fn a_request_that_is_refused_for_one_row_is_halved_until_it_is_alone() {
    let mut plan = Plan::write(&items(8), "");
    let mut calls = 0;
    while let Some(step) = plan.next_step() {
        calls += 1;
        let is_guilty = step.iter().any(|row| row.lead.lead_id == "lead_5");
        let reply = match is_guilty {
            true => Reply::Refused(Fault::of_call(413, b"[]")),
            false => Reply::Answer(step.iter().map(|row| written(&row.lead.lead_id)).collect()),
        };
        plan.settle(step, reply, 1);
    }
    let outcomes = plan.finish();
    let rejected: Vec<_> = outcomes
        .iter()
        .filter(|it| !matches!(it.outcome, Outcome::Delivered { .. }))
        .map(|it| it.job_id.as_str())
        .collect();
    assert_eq!((rejected, calls), (vec!["job-005"], 7));
}

#[test]
fn a_refusal_that_is_nobodys_fault_ends_the_batch() {
    let mut plan = Plan::write(&items(450), "");
    let step = plan.next_step().unwrap();
    assert_eq!(step.len(), 200);
    plan.settle(step, Reply::Refused(Fault::of_call(503, b"<html>")), 1);
    assert!(plan.next_step().is_none());
    let outcomes = plan.finish();
    assert_eq!(outcomes.len(), 450);
    let waits = |it: &Outcome| {
        matches!(
            it,
            Outcome::Retry {
                class: "UNAVAILABLE",
                ..
            }
        )
    };
    assert!(outcomes.iter().all(|it| waits(&it.outcome)));
}

#[test]
fn a_call_without_an_answer_leaves_its_own_rows_alone_in_doubt() {
    let mut plan = Plan::write(&items(201), "");
    let step = plan.next_step().unwrap();
    plan.settle(step, Reply::Lost("cut".into()), 1);
    let outcomes = plan.finish();
    let unknown = outcomes
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Unknown { .. }));
    assert_eq!(unknown.count(), 200);
}

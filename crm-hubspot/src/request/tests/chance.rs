//! Batches with culprits anywhere, and answers of any kind.

use std::collections::{BTreeMap, BTreeSet};

use leads_runtime::vendor::VendorResponse;
use proptest::prelude::*;

use super::*;

/// HubSpot that refuses whole batches: a row of `bad` spoils its batch.
fn refuse_batches_with(bad: &BTreeSet<usize>, step: &Step) -> Reply {
    let spoilt = step
        .rows
        .iter()
        .any(|row| bad.iter().any(|n| row.job_id == format!("job-{n}")));
    if spoilt {
        refused(400, json!({"category": "VALIDATION_ERROR", "message": "bad"}))
    } else {
        accepted(step)
    }
}

/// Answers made of HubSpot's words in any arrangement.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "job-1",
        "job-2",
        "lead-1",
        "lead-2",
        "person1@example.org",
        "501",
        "CONFLICT",
        "OBJECT_NOT_FOUND",
        "VALIDATION_ERROR",
        "Contact already exists. Existing ID: 501",
        "Property values were not valid: [{\"name\":1}]",
        "",
    ]);
    let leaf = prop_oneof![
        word.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 4, |inner| {
        let name = prop::sample::select(vec![
            "results",
            "errors",
            "id",
            "ids",
            "properties",
            "email",
            "hs_additional_emails",
            "leads_lead_id",
            "objectWriteTraceId",
            "context",
            "category",
            "message",
            "code",
            "url",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

fn any_answer() -> impl Strategy<Value = (u16, Value)> {
    let status = prop::sample::select(vec![200, 207, 400, 401, 403, 404, 409, 423, 429, 477, 500, 504]);
    (status, any_json(), any_json(), any::<bool>()).prop_map(|(status, results, errors, whole)| match whole {
        true => (status, json!({"results": results, "errors": errors})),
        false => (status, results),
    })
}

proptest! {
    #[test]
    fn no_answer_makes_a_plan_panic_go_on_for_ever_or_forget_a_lead(
        answers in prop::collection::vec(any_answer(), 1..12),
    ) {
        let mut plan = plan(&[item(1), linked(2), item(3)]);
        let mut answers = answers.into_iter().cycle();
        let made = calls(&mut plan, |_| {
            let (status, body) = answers.next().unwrap();
            let response = VendorResponse {
                status: http::StatusCode::from_u16(status).unwrap(),
                headers: http::HeaderMap::new(),
                body: body.to_string().into(),
            };
            crate::request::read(Ok(response), None)
        });
        prop_assert!(made.len() < 60);
        let outcomes = plan.finish();
        prop_assert_eq!(outcomes.len(), 3);
        for outcome in outcomes {
            if let Outcome::Delivered { external_id, .. } = outcome.outcome {
                prop_assert!(!external_id.is_empty());
            }
        }
    }
}

proptest! {
    #[test]
    fn every_culprit_is_found_alone_and_everyone_else_passes(
        count in 1_usize..=100,
        bad in prop::collection::btree_set(1_usize..=100, 0..12),
    ) {
        let items: Vec<WorkItem> = (1..=count).map(linked).collect();
        let bad: BTreeSet<usize> = bad.into_iter().filter(|n| *n <= count).collect();
        let mut plan = plan(&items);
        let made = calls(&mut plan, |step| refuse_batches_with(&bad, step));
        // Each culprit costs at most two calls on each of the seven levels of a hundred rows.
        prop_assert!(made.len() <= 1 + 14 * bad.len(), "{} calls for {} culprits", made.len(), bad.len());
        let outcomes: BTreeMap<String, Outcome> = plan.finish().into_iter().map(|it| (it.job_id, it.outcome)).collect();
        prop_assert_eq!(outcomes.len(), count);
        for n in 1..=count {
            let rejected = matches!(outcomes[&format!("job-{n}")], Outcome::Rejected { .. });
            prop_assert_eq!(rejected, bad.contains(&n));
        }
    }

    #[test]
    fn every_item_has_exactly_one_outcome_wherever_the_plan_is_given_up(
        count in 1_usize..=40,
        bad in prop::collection::btree_set(1_usize..=40, 0..6),
        patience in 0_usize..20,
    ) {
        let items: Vec<WorkItem> = (1..=count).map(|n| if n % 3 == 0 { item(n) } else { linked(n) }).collect();
        let mut plan = plan(&items);
        let mut made = 0;
        while let Some(step) = plan.next_step() {
            if made == patience {
                plan.settle(step, Reply::NotStarted, 0);
                break;
            }
            made += 1;
            let reply = if step.call == Call::Lookup { nobody() } else { refuse_batches_with(&bad, &step) };
            plan.settle(step, reply, 1);
        }
        let outcomes = plan.finish();
        let jobs: BTreeSet<&str> = outcomes.iter().map(|it| it.job_id.as_str()).collect();
        prop_assert_eq!((outcomes.len(), jobs.len()), (count, count));
        // Jobs are given back only if no batch of theirs was refused.
        let unfinished = |it: &ItemOutcome| matches!(it.outcome, Outcome::Retry { class: "UNFINISHED", .. });
        prop_assert!(bad.iter().any(|n| *n <= count) || !outcomes.iter().any(unfinished));
    }
}

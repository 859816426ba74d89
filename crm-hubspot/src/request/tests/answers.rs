//! Answers written by hand.

use std::collections::BTreeSet;

use super::*;
use crate::api::BatchInput;

#[test]
fn new_leads_are_looked_up_and_written_together_with_linked_ones() {
    let mut plan = plan(&[item(1), linked(2), item(3)]);
    let made = calls(&mut plan, |step| match step.call {
        Call::Lookup => answer(json!({
            "results": [{"id": "501", "properties": {"email": "person3@example.org", "lifecyclestage": "customer"}}],
            "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["person1@example.org"]}}]})),
        Call::Update => {
            let BatchInput::Write(body) = step.call.body(&step.rows) else {
                panic!("a read")
            };
            assert_eq!(
                (body.inputs[0].id.as_str(), body.inputs[0].id_property),
                ("501", None)
            );
            assert_eq!(
                body.inputs[0].properties["leads_lead_id"], "lead-3",
                "the update sets our key"
            );
            assert!(!body.inputs[0].properties.contains_key("email"));
            assert!(!body.inputs[0].properties.contains_key("lifecyclestage"));
            accepted(step)
        }
        Call::Upsert => {
            let BatchInput::Write(body) = step.call.body(&step.rows) else {
                panic!("a read")
            };
            let keys: BTreeSet<&str> = body.inputs.iter().map(|input| input.id.as_str()).collect();
            assert_eq!(keys, BTreeSet::from(["lead-1", "lead-2"]));
            assert!(
                body.inputs
                    .iter()
                    .all(|input| input.id_property == Some("leads_lead_id"))
            );
            accepted(step)
        }
        Call::Verify => panic!("not asked for"),
    });
    assert_eq!(made, [(Call::Lookup, 2), (Call::Update, 1), (Call::Upsert, 2)]);
    let outcomes = plan.finish();
    assert_eq!(outcomes.len(), 3);
    assert!(
        outcomes
            .iter()
            .all(|it| matches!(it.outcome, Outcome::Delivered { .. }))
    );
    assert_eq!(outcomes.iter().map(|it| it.calls).collect::<Vec<_>>(), [2, 1, 2]);
}

#[test]
fn linked_leads_cost_one_call() {
    let mut plan = plan(&[linked(1), linked(2)]);
    assert_eq!(calls(&mut plan, accepted), [(Call::Upsert, 2)]);
}

#[test]
fn a_secondary_address_finds_its_contact() {
    let mut plan = plan(&[item(1), item(2)]);
    let made = calls(&mut plan, |step| match step.call {
        Call::Lookup => answer(json!({"results": [
            {"id": "501", "properties": {"email": "other@example.org", "hs_additional_emails": "person1@example.org"}},
            {"id": "502", "properties": {"email": "person2@example.org"}}]})),
        _ => accepted(step),
    });
    assert_eq!(made, [(Call::Lookup, 2), (Call::Update, 2)]);
}

#[test]
fn a_contact_that_does_not_list_the_address_is_asked_for_alone() {
    let mut plan = plan(&[item(1), item(2)]);
    let made = calls(&mut plan, |step| match (step.call, step.rows.len()) {
        (Call::Lookup, 2) => answer(
            json!({"results": [{"id": "501", "properties": {"email": "other@example.org"}}],
            "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"id": ["person2@example.org"]}}]}),
        ),
        (Call::Lookup, _) => {
            answer(json!({"results": [{"id": "501", "properties": {"email": "other@example.org"}}]}))
        }
        _ => accepted(step),
    });
    assert_eq!(
        made,
        [
            (Call::Lookup, 2),
            (Call::Upsert, 1),
            (Call::Lookup, 1),
            (Call::Update, 1)
        ]
    );
}

#[test]
fn a_lookup_that_makes_no_sense_is_not_repeated() {
    let mut plan = plan(&[item(1)]);
    let made = calls(&mut plan, |step| match step.call {
        Call::Lookup => answer(json!({"results": [{"id": "501"}, {"id": "502"}]})),
        _ => accepted(step),
    });
    assert_eq!(made, [(Call::Lookup, 1), (Call::Upsert, 1)]);
}

#[test]
fn two_leads_of_one_contact_are_not_sent_in_one_batch() {
    let mut plan = plan(&[item(1), item(2)]);
    let both = json!({"results": [{"id": "501", "properties":
        {"email": "person1@example.org", "hs_additional_emails": "person2@example.org"}}]});
    let made = calls(&mut plan, |step| match step.call {
        Call::Lookup => answer(both.clone()),
        _ => accepted(step),
    });
    assert_eq!(
        made,
        [
            (Call::Lookup, 2),
            (Call::Update, 1),
            (Call::Lookup, 1),
            (Call::Update, 1)
        ]
    );
}

#[test]
fn the_bad_row_of_a_207_gets_its_reason_and_the_others_are_delivered() {
    let mut plan = plan(&[linked(1), linked(2), linked(3)]);
    calls(&mut plan, |_| {
        answer(json!({
            "results": [{"id": "103", "objectWriteTraceId": "job-3", "properties": {"email": "changed@example.org"}},
                        {"id": "900", "properties": {"leads_lead_id": "lead-1"}}],
            "numErrors": 1,
            "errors": [{"category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["job-2"]},
                "message": "Property values were not valid: [{\"error\":\"INVALID_EMAIL\",\"name\":\"email\",\"message\":\"bad\"}]"}]}))
    });
    let outcomes = plan.finish();
    assert!(
        matches!(outcome_of(&outcomes, 1), Outcome::Delivered { external_id, .. } if external_id == "900")
    );
    assert!(
        matches!(outcome_of(&outcomes, 3), Outcome::Delivered { external_id, url }
        if external_id == "103" && url == "https://app.hubspot.com/contacts/88/record/0-1/103")
    );
    assert!(
        matches!(outcome_of(&outcomes, 2), Outcome::Rejected { code: "VALIDATION", field, .. } if field == "email")
    );
}

#[test]
fn a_row_that_no_answer_mentions_is_unknown() {
    for body in [
        json!({"status": "COMPLETE", "results": []}),
        json!({"results": [{"id": "5", "objectWriteTraceId": "job-9"}]}),
    ] {
        let mut plan = plan(&[linked(1), linked(2)]);
        assert_eq!(calls(&mut plan, |_| answer(body.clone())).len(), 1);
        assert!(
            plan.finish()
                .iter()
                .all(|it| matches!(it.outcome, Outcome::Unknown { .. }))
        );
    }
}

#[test]
fn an_error_that_names_no_row_is_pinned_down_by_halving() {
    let mut plan = plan(&(1..=4).map(linked).collect::<Vec<_>>());
    calls(&mut plan, |step| {
        let good: Vec<Value> = step
            .rows
            .iter()
            .filter(|row| row.job_id != "job-2" && (row.job_id != "job-3" || step.rows.len() == 1))
            .map(|row| json!({"id": "7", "objectWriteTraceId": row.job_id}))
            .collect();
        match good.len() == step.rows.len() {
            true => answer(json!({"results": good})),
            false => answer(
                json!({"results": good, "errors": [{"category": "VALIDATION_ERROR", "message": "bad"}]}),
            ),
        }
    });
    let outcomes = plan.finish();
    assert!(matches!(outcome_of(&outcomes, 2), Outcome::Rejected { .. }));
    for n in [1, 3, 4] {
        assert!(
            matches!(outcome_of(&outcomes, n), Outcome::Delivered { .. }),
            "{n}"
        );
    }
}

#[test]
fn a_property_that_the_account_lacks_rejects_its_rows_without_halving() {
    let mut plan = plan(&(1..=64).map(linked).collect::<Vec<_>>());
    let made = calls(&mut plan, |_| {
        refused(
            400,
            json!({"category": "VALIDATION_ERROR", "errors": [{"code": "PROPERTY_DOESNT_EXIST",
            "message": "Property \"leads_score\" does not exist", "context": {"propertyName": ["leads_score"]}}]}),
        )
    });
    assert_eq!(made.len(), 1);
    let outcomes = plan.finish();
    assert_eq!(outcomes.len(), 64);
    assert!(outcomes.iter().all(|it| matches!(&it.outcome,
        Outcome::Rejected { code: "MISSING_PROPERTY", field, .. } if field == "leads_score")));
}

#[test]
fn a_conflict_is_looked_up_again_before_anything_is_halved() {
    let mut plan = plan(&(1..=8).map(linked).collect::<Vec<_>>());
    let made = calls(&mut plan, |step| match (step.call, step.rows.len()) {
        (Call::Upsert, 8) => refused(
            409,
            json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 900"}),
        ),
        (Call::Lookup, _) => answer(json!({"results": [
            {"id": "104", "properties": {"email": "person4@example.org", "leads_lead_id": "lead-4"}},
            {"id": "900", "properties": {"email": "person5@example.org"}}]})),
        _ => accepted(step),
    });
    assert_eq!(
        made,
        [
            (Call::Upsert, 8),
            (Call::Lookup, 8),
            (Call::Update, 1),
            (Call::Upsert, 7)
        ]
    );
}

#[test]
fn a_conflict_that_no_lookup_explains_goes_to_the_contact_that_hubspot_names() {
    let mut plan = plan(&[item(1)]);
    let mut bodies = Vec::new();
    let made = calls(&mut plan, |step| match step.call {
        Call::Upsert => refused(
            409,
            json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 900"}),
        ),
        Call::Lookup => nobody(),
        _ => {
            bodies.push(step.call.body(&step.rows));
            accepted(step)
        }
    });
    assert_eq!(
        made,
        [
            (Call::Lookup, 1),
            (Call::Upsert, 1),
            (Call::Lookup, 1),
            (Call::Upsert, 1),
            (Call::Update, 1)
        ]
    );
    let BatchInput::Write(body) = &bodies[0] else {
        panic!("a read")
    };
    assert_eq!(body.inputs[0].id, "900");
}

#[test]
fn a_conflict_without_an_end_is_rejected_not_repeated() {
    let mut plan = plan(&[item(1)]);
    let made = calls(&mut plan, |step| match step.call {
        Call::Lookup => nobody(),
        _ => refused(
            409,
            json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 900"}),
        ),
    });
    assert_eq!(made.len(), 5);
    assert!(matches!(
        plan.finish()[0].outcome,
        Outcome::Rejected {
            code: "EMAIL_TAKEN",
            ..
        }
    ));
}

#[test]
fn a_contact_that_vanished_since_it_was_found_is_written_by_our_key() {
    let mut plan = plan(&[item(1)]);
    let made = calls(&mut plan, |step| match step.call {
        Call::Lookup => {
            answer(json!({"results": [{"id": "501", "properties": {"email": "person1@example.org"}}]}))
        }
        Call::Update => answer(
            json!({"results": [], "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["501"]}}]}),
        ),
        _ => accepted(step),
    });
    assert_eq!(made, [(Call::Lookup, 1), (Call::Update, 1), (Call::Upsert, 1)]);
    assert!(matches!(plan.finish()[0].outcome, Outcome::Delivered { .. }));
}

#[test]
fn a_limit_ends_the_plan_for_all_rows() {
    let mut plan = plan(&[item(1), linked(2)]);
    let made = calls(&mut plan, |_| {
        refused(429, json!({"policyName": "TEN_SECONDLY_ROLLING"}))
    });
    assert_eq!(made, [(Call::Lookup, 1)]);
    assert!(plan.finish().iter().all(|it| matches!(
        it.outcome,
        Outcome::Retry {
            class: "RATE_LIMITED",
            ..
        }
    )));
}

#[test]
fn a_lost_write_is_unknown_and_a_lost_read_is_not() {
    let mut plan = plan(&[item(1)]);
    calls(&mut plan, |step| match step.call {
        Call::Lookup => nobody(),
        _ => Reply::Lost("timed out".into()),
    });
    assert!(matches!(plan.finish()[0].outcome, Outcome::Unknown { .. }));

    let mut plan = super::plan(&[item(1)]);
    calls(&mut plan, |_| Reply::Lost("timed out".into()));
    assert!(matches!(
        plan.finish()[0].outcome,
        Outcome::Retry {
            class: "UNAVAILABLE",
            ..
        }
    ));
}

#[test]
fn a_gateway_time_out_is_unknown_for_what_was_written_and_a_retry_for_what_was_not_sent() {
    let mut plan = plan(&[item(1), item(2), linked(3)]);
    calls(&mut plan, |step| match step.call {
        Call::Lookup => {
            answer(json!({"results": [{"id": "501", "properties": {"email": "person1@example.org"}}]}))
        }
        _ => refused(504, json!({})),
    });
    let outcomes = plan.finish();
    assert!(matches!(outcome_of(&outcomes, 1), Outcome::Unknown { .. }));
    assert!(matches!(outcome_of(&outcomes, 2), Outcome::Retry { .. }));
    assert!(matches!(outcome_of(&outcomes, 3), Outcome::Retry { .. }));
}

#[test]
fn leads_that_are_to_go_alone_go_alone() {
    let mut alone = linked(1);
    alone.solo = true;
    let mut plan = plan(&[alone, linked(2), linked(3)]);
    assert_eq!(calls(&mut plan, accepted), [(Call::Upsert, 1), (Call::Upsert, 2)]);
}

#[test]
fn a_read_back_tells_found_from_missing_from_not_mentioned() {
    let items: Vec<WorkItem> = (1..=3).map(linked).collect();
    let mut plan = Plan::verify(&items, Links::default());
    let made = calls(&mut plan, |_| {
        answer(json!({
            "results": [{"id": "101", "properties": {"leads_lead_id": "lead-1", "leads_revision": "3"}}],
            "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["lead-2"]}}]}))
    });
    assert_eq!(made, [(Call::Verify, 3)]);
    let outcomes = plan.finish();
    assert!(
        matches!(outcome_of(&outcomes, 1), Outcome::Verified { revision: 3, external_id, .. } if external_id == "101")
    );
    assert!(
        matches!(outcome_of(&outcomes, 2), Outcome::Verified { revision: 0, external_id, .. } if external_id.is_empty())
    );
    assert!(matches!(outcome_of(&outcomes, 3), Outcome::Retry { .. }));
}

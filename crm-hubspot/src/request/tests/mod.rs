//! Plans against answers of HubSpot.

mod answers;
mod chance;

use leads_proto::leads::connector::v1::LeadSnapshot;
use leads_runtime::delivery::{ItemOutcome, Outcome, WorkItem};
use serde_json::{Value, json};

use super::*;
use crate::api::BatchAnswer;
use crate::errors::Fault;
use crate::map::Mapping;

fn item(n: usize) -> WorkItem {
    WorkItem {
        job_id: format!("job-{n}"),
        lease_token: "token".into(),
        lead: LeadSnapshot {
            lead_id: format!("lead-{n}"),
            revision: 3,
            email: format!("Person{n}@Example.org"),
            name: "Ada Lovelace".into(),
            ..LeadSnapshot::default()
        },
        record_ids: Vec::new(),
        lead_ids: Vec::new(),
        attempt: 0,
        solo: false,
        traceparent: String::new(),
    }
}

fn linked(n: usize) -> WorkItem {
    let mut item = item(n);
    item.lead.external_id = format!("{}", 100 + n);
    item
}

fn plan(items: &[WorkItem]) -> Plan {
    let links = Links {
        account_id: "88".into(),
        ui_domain: "app.hubspot.com".into(),
    };
    Plan::write(items, &Mapping::default(), links)
}

fn answer(value: Value) -> Reply {
    Reply::Answer(serde_json::from_value::<BatchAnswer>(value).unwrap())
}

fn refused(status: u16, body: Value) -> Reply {
    Reply::Refused(Fault::of_call(status, None, body.to_string().as_bytes()))
}

fn nobody() -> Reply {
    answer(json!({"results": []}))
}

/// Every row of a write was accepted.
fn accepted(step: &Step) -> Reply {
    let results: Vec<Value> = step
        .rows
        .iter()
        .rev()
        .map(|row| json!({"id": "7", "objectWriteTraceId": row.job_id}))
        .collect();
    answer(json!({"results": results}))
}

fn outcome_of(outcomes: &[ItemOutcome], n: usize) -> &Outcome {
    &outcomes
        .iter()
        .find(|it| it.job_id == format!("job-{n}"))
        .unwrap()
        .outcome
}

fn calls(plan: &mut Plan, mut reply: impl FnMut(&Step) -> Reply) -> Vec<(Call, usize)> {
    let mut made = Vec::new();
    while let Some(step) = plan.next_step() {
        made.push((step.call, step.rows.len()));
        assert!(made.len() < 1000, "the plan does not end");
        let reply = reply(&step);
        plan.settle(step, reply, 1);
    }
    made
}

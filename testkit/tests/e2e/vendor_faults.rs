//! Whatever the vendor answers, every lead ends in its newest state, once.

use std::time::Duration;

use anyhow::{Result, ensure};
use leads_proto::leads::v1::{Lead, Stage, UpdateLeadRequest};
use leads_testkit::{
    captures,
    fakes::hubspot::{Answer, Apply, DEFAULT_PORTAL, Fault, Policy, RequestFilter, Route},
    stack::Stack,
    wait,
};

use crate::{RECOVERY_LIMIT, checker::check_synced, collect};

const LEADS: usize = 12;

/// Captures under a fault that ends after so many calls, and holds the promise.
async fn survives(fault: Fault) -> Result<()> {
    let mut stack = Stack::start().await?;
    let fault = stack.hubspot.inject(fault)?;
    let mut ids = Vec::new();
    for number in 0..LEADS {
        let email = captures::address(&format!("fault{number}"));
        ids.push(
            collect(
                &stack,
                if number % 3 == 0 {
                    captures::warm(&email)
                } else {
                    captures::hot(&email)
                },
            )
            .await?,
        );
    }
    check_synced(&mut stack, &ids).await?;
    let met = stack
        .hubspot
        .faults()
        .iter()
        .any(|view| view.id == fault && view.hits > 0);
    ensure!(met, "the fault met no call");
    Ok(())
}

macro_rules! survives {
    ($($(#[$attribute:meta])* $name:ident: $fault:expr;)+) => {
        $($(#[$attribute])* #[tokio::test] async fn $name() -> Result<()> { survives($fault).await })+
    };
}

survives! {
    refusals_by_rate: Fault::rate_limited(Policy::TenSecondlyRolling, None).times(3);
    refusals_by_rate_with_a_wish: Fault::rate_limited(Policy::TenSecondlyRolling, Some(1)).times(2);
    internal_errors: Fault::status(500).times(3);
    an_overloaded_vendor: Fault::status(503).times(3);
    a_locked_record: Fault::status(423).route(Route::BatchUpsert).times(2);
    a_data_centre_migration: Fault::migration(1).times(1);
    no_answer_at_all: Fault::hang().route(Route::BatchUpsert).times(1);
    cut_connections: Fault::answer(Answer::Cut).times(3);
    a_write_whose_answer_is_lost: Fault::apply_then_cut().route(Route::BatchUpsert).times(2);
    a_write_that_is_carried_out_twice: Fault::apply_twice().route(Route::BatchUpsert).times(2);
    an_internal_error_after_the_write: Fault::status(500).apply(Apply::Once).route(Route::BatchUpsert).times(2);
    garbage: Fault::answer(Answer::GarbageJson).route(Route::BatchUpsert).times(2);
    garbage_after_the_write: Fault::answer(Answer::GarbageJson).apply(Apply::Once).route(Route::BatchUpsert).times(2);
    an_empty_answer: Fault::answer(Answer::Empty).route(Route::BatchUpsert).times(2);
    a_body_that_stops_half_way: Fault::answer(Answer::StalledBody).route(Route::BatchUpsert).times(1);
    a_body_that_never_ends: Fault::answer(Answer::EndlessBody).route(Route::BatchUpsert).times(1);
    a_huge_body: Fault::answer(Answer::HugeBody(64 << 20)).route(Route::BatchUpsert).times(1);
    a_redirect: Fault::answer(Answer::Redirect("http://127.0.0.1:9/".to_owned())).route(Route::BatchUpsert).times(1);
    slowness: Fault::latency(Duration::from_millis(400), Duration::from_millis(400));
}

#[tokio::test]
async fn an_outage_costs_few_calls_and_loses_nothing() -> Result<()> {
    let mut stack = Stack::start().await?;
    let mut ids = Vec::new();
    let before = stack.hubspot.request_count();
    let outage = stack.hubspot.inject(Fault::status(503))?;
    for number in 0..LEADS {
        ids.push(
            collect(
                &stack,
                captures::hot(&captures::address(&format!("outage{number}"))),
            )
            .await?,
        );
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let calls = stack.hubspot.request_count() - before;
    ensure!(calls > 0, "nobody called during the outage");
    ensure!(
        calls <= 3 * LEADS,
        "{calls} calls in an outage of 10 s with {LEADS} leads"
    );
    stack.hubspot.clear_fault(outage);
    check_synced(&mut stack, &ids).await
}

#[tokio::test]
async fn an_old_write_that_lands_after_a_newer_one_is_repaired() -> Result<()> {
    let mut stack = Stack::start().await?;
    let late = Duration::from_secs(7);
    stack
        .hubspot
        .inject(Fault::apply_late(late).route(Route::BatchUpsert).times(1))?;
    let id = collect(&stack, captures::hot(&captures::address("late"))).await?;
    let calls = RequestFilter {
        route: Some(Route::BatchUpsert),
        ..RequestFilter::default()
    };
    let hubspot = stack.hubspot.simulation();
    let met = async || {
        Ok(hubspot
            .requests(&calls)
            .iter()
            .any(|call| call.fault.is_some())
            .then_some(()))
    };
    wait::until("the first write", RECOVERY_LIMIT, met).await?;
    let lead = Lead {
        id: id.clone(),
        stage: Stage::Qualified.into(),
        ..Lead::default()
    };
    let update_mask = Some(prost_types::FieldMask {
        paths: vec!["stage".to_owned()],
    });
    stack
        .clients
        .leads
        .update_lead(UpdateLeadRequest {
            lead: Some(lead),
            update_mask,
        })
        .await?;
    let landed = async || {
        let first = hubspot
            .requests(&calls)
            .into_iter()
            .find(|call| call.fault.is_some());
        Ok(first.filter(|call| call.applied > 0).map(drop))
    };
    wait::until("the old write to land", RECOVERY_LIMIT, landed).await?;
    ensure!(
        !hubspot.steps_back(DEFAULT_PORTAL, "leads_revision")?.is_empty(),
        "the old write undid nothing"
    );
    check_synced(&mut stack, &[id]).await
}

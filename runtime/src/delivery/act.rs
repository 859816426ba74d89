//! One turn of the pipeline: claims a chunk of hints, lets the destination act, and settles every job of it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use leads_proto::leads::connector::v1 as wire;
use tokio::time::Instant;
use tonic::Code;
use tracing::{Instrument, Span};
use wire::{Action, Refusal, ReportStatus};

use super::connector::{Connection, Destination, WorkItem};
use super::driver::{Prepaid, Shared};
use super::grouping::{Granted, WorkBatch, into_batches};
use super::lease::LeaseBudget;
use super::outcome::{ItemOutcome, Outcome};
use super::queue::Held;
use crate::process::telemetry::{add_link, set_parent_from};
use crate::stream::{EntryId, Lane};

pub(super) async fn act<D: Destination>(
    shared: &Arc<Shared<D>>,
    chunk: Vec<Held>,
    mut prepaid: Option<Prepaid>,
) {
    let granted = claim(shared, chunk).await;
    if !granted.is_empty() {
        crate::crash_point!("driver.after_claim");
    }
    let (batches, doubled) = into_batches(granted, shared.destination.batch_size().max(1));
    let not_started = doubled
        .into_iter()
        .map(|job| (job, Outcome::NotStarted, 0))
        .collect();
    let running = batches.into_iter().map(|batch| {
        let prepaid = prepaid.take();
        run(shared, batch, prepaid)
    });
    let running: Vec<_> = running.collect();
    tokio::join!(join_all(running), settle(shared, not_started));
    if let Some(prepaid) = prepaid {
        shared.quota.give_back(&prepaid.account, prepaid.permit).await;
    }
}

/// Acknowledges what was refused and returns what was granted. Hints that leads-svc could not be asked about are
/// forgotten; their entries stay pending.
async fn claim<D: Destination>(shared: &Shared<D>, chunk: Vec<Held>) -> Vec<Granted> {
    let claims = join_all(chunk.iter().map(|held| shared.claims.claim(&held.received.hint))).await;
    let (mut granted, mut refused) = (Vec::new(), Vec::new());
    for (held, claimed) in chunk.into_iter().zip(claims) {
        let Some(claimed) = claimed else { continue };
        match claimed.result.result {
            Some(wire::claim_result::Result::Grant(grant)) => {
                if let Some(job) = as_granted(held, grant, claimed.at) {
                    granted.push(job);
                }
            }
            Some(wire::claim_result::Result::Refusal(refusal)) => {
                shared.instruments.refusal(refusal_name(refusal));
                refused.push(held.received.id);
            }
            None => refused.push(held.received.id),
        }
    }
    shared.ack(refused).await;
    granted
}

/// `None` for a grant that says nothing we can do; its lease runs out.
fn as_granted(held: Held, grant: wire::Grant, claimed_at: Instant) -> Option<Granted> {
    let action = grant.action();
    let lease = grant.lease.and_then(|lease| lease.try_into().ok());
    let (Some(lead), Some(lease), Action::Write | Action::Verify) = (grant.lead, lease, action) else {
        tracing::error!(job.id = held.received.hint.job, "a grant makes no sense");
        return None;
    };
    let lease: std::time::Duration = lease;
    let traceparent = if grant.traceparent.is_empty() {
        held.received.hint.traceparent.clone()
    } else {
        grant.traceparent
    };
    let item = WorkItem {
        job_id: held.received.hint.job.clone(),
        lease_token: grant.lease_token,
        lead,
        attempt: u32::try_from(grant.attempt).unwrap_or(0),
        solo: grant.solo,
        traceparent,
    };
    Some(Granted {
        item,
        connection_id: grant.connection_id,
        action,
        lease_until: claimed_at + lease,
        held,
    })
}

/// Acts on a batch within the trace of its first job; the other jobs' traces are linked.
async fn run<D: Destination>(shared: &Arc<Shared<D>>, batch: WorkBatch, prepaid: Option<Prepaid>) {
    let lane = batch
        .jobs
        .first()
        .map_or(Lane::Normal, |job| job.held.received.lane);
    let span = tracing::info_span!(
        "deliver",
        otel.kind = "consumer",
        destination = D::NAME,
        connection.id = batch.connection_id,
        action = batch.action.as_str_name(),
        items = batch.jobs.len(),
        job.id = tracing::field::Empty,
    );
    trace(&span, &batch.jobs);
    let lease_until = batch.lease_until();
    let mut lease = LeaseBudget::new(lease_until.saturating_duration_since(Instant::now()), lane);
    let account = prepaid.map(|prepaid| {
        lease = lease.clone().with_prepaid(prepaid.permit, prepaid.valid_until);
        prepaid.account
    });
    shared.instruments.batch(batch.jobs.len(), lane);
    async {
        let items: Vec<WorkItem> = batch.jobs.iter().map(|job| job.item.clone()).collect();
        let outcomes = deliver(shared, &batch.connection_id, batch.action, items, &lease).await;
        if let (Some(permit), Some(account)) = (lease.take_unused(), account) {
            shared.quota.give_back(&account, permit).await;
        }
        crate::crash_point!("driver.after_vendor_answer");
        settle(shared, count_against(batch.jobs, outcomes, lease.calls())).await;
    }
    .instrument(span)
    .await;
}

fn trace(span: &Span, jobs: &[Granted]) {
    if let [job] = jobs {
        span.record("job.id", job.item.job_id.as_str());
    }
    let mut traceparents = jobs
        .iter()
        .map(|job| job.item.traceparent.as_str())
        .filter(|text| !text.is_empty());
    if let Some(first) = traceparents.next() {
        set_parent_from(span, first);
    }
    traceparents.for_each(|other| add_link(span, other));
}

/// Lets the destination act. If it finds the credentials bad, they may have been replaced within the last minute: it
/// gets another try if leads-svc has others by now.
async fn deliver<D: Destination>(
    shared: &Shared<D>,
    connection_id: &str,
    action: Action,
    items: Vec<WorkItem>,
    lease: &LeaseBudget,
) -> Vec<ItemOutcome> {
    let connection = match shared.connections.get(connection_id).await {
        Ok(connection) => connection,
        Err(status) => return without_connection(&items, &status),
    };
    let mut outcomes = call(shared, &connection, action, items.clone(), lease).await;
    let is_refused = |outcome: &ItemOutcome| matches!(outcome.outcome, Outcome::Paused { for_: None, .. });
    if !outcomes.iter().any(is_refused) {
        return outcomes;
    }
    match shared.connections.refetch(connection_id).await {
        Ok(fresh) if fresh.settings.credentials != connection.settings.credentials => {
            let (refused, rest): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(is_refused);
            let again = |item: &WorkItem| refused.iter().any(|outcome| outcome.job_id == item.job_id);
            let items = items.into_iter().filter(again).collect();
            outcomes = rest;
            outcomes.extend(call(shared, &fresh, action, items, lease).await);
            outcomes
        }
        Ok(_) | Err(_) => outcomes,
    }
}

async fn call<D: Destination>(
    shared: &Shared<D>,
    connection: &Connection,
    action: Action,
    items: Vec<WorkItem>,
    lease: &LeaseBudget,
) -> Vec<ItemOutcome> {
    match action {
        Action::Verify => shared.destination.verify(connection, items, lease.clone()).await,
        Action::Write | Action::Unspecified => {
            shared.destination.write(connection, items, lease.clone()).await
        }
    }
}

/// A connection that is gone is leads-svc's to sort out, so the attempt counts and backs off; an outage does not.
fn without_connection(items: &[WorkItem], status: &tonic::Status) -> Vec<ItemOutcome> {
    tracing::warn!(code = ?status.code(), message = status.message(), "connection cannot be had");
    let outcome = match status.code() {
        Code::NotFound | Code::PermissionDenied | Code::FailedPrecondition => Outcome::Retry {
            class: "CONNECTION",
            after: None,
            code: String::new(),
            message: "the connection cannot be read".to_owned(),
        },
        _ => Outcome::NotStarted,
    };
    let outcome = |item: &WorkItem| ItemOutcome {
        job_id: item.job_id.clone(),
        outcome: outcome.clone(),
        calls: 0,
    };
    items.iter().map(outcome).collect()
}

/// Gives each job its outcome. A job without one is unknown; an outcome without a job is dropped.
fn count_against(jobs: Vec<Granted>, outcomes: Vec<ItemOutcome>, calls: u32) -> Vec<(Granted, Outcome, u32)> {
    let mut by_job: HashMap<String, ItemOutcome> = outcomes
        .into_iter()
        .map(|outcome| (outcome.job_id.clone(), outcome))
        .collect();
    jobs.into_iter()
        .map(|job| match by_job.remove(&job.item.job_id) {
            Some(outcome) => (job, outcome.outcome, outcome.calls),
            None => (
                job,
                Outcome::Unknown {
                    why: "the answer does not mention the item".to_owned(),
                },
                calls,
            ),
        })
        .collect()
}

/// Reports or releases each job; acknowledges the entries of those that leads-svc knows about.
async fn settle<D: Destination>(shared: &Shared<D>, jobs: Vec<(Granted, Outcome, u32)>) {
    if jobs.is_empty() {
        return;
    }
    let (mut reports, mut released, mut finished) = (Vec::new(), Vec::new(), Vec::new());
    let mut places = Vec::with_capacity(jobs.len());
    for (job, outcome, calls) in jobs {
        let Granted {
            item: WorkItem {
                job_id, lease_token, ..
            },
            held,
            ..
        } = job;
        shared.instruments.outcome(outcome.name(), held.received.lane);
        if outcome == Outcome::NotStarted {
            released.push(wire::JobLease { job_id, lease_token });
            finished.push(held.received.id.clone());
        } else {
            reports.push((
                held.received.id.clone(),
                outcome.into_report(job_id, lease_token, calls),
            ));
        }
        places.push(held);
    }
    let report = async |(entry, outcome): (EntryId, wire::JobOutcome)| {
        let job_id = outcome.job_id.clone();
        let status = shared.reports.report(outcome).await?;
        if status == ReportStatus::LeaseLost {
            tracing::warn!(
                job.id = job_id,
                "the lease was lost before the report, the job is repaired"
            );
        }
        Some(entry)
    };
    let reporting = join_all(reports.into_iter().map(report));
    let ((), reported) = tokio::join!(shared.reports.release(released), reporting);
    crate::crash_point!("driver.after_report");
    finished.extend(reported.into_iter().flatten());
    shared.ack(finished).await;
    crate::crash_point!("driver.after_ack");
}

fn refusal_name(refusal: i32) -> &'static str {
    match Refusal::try_from(refusal) {
        Ok(Refusal::Gone) => "gone",
        Ok(Refusal::Done) => "done",
        Ok(Refusal::NotDue) => "not_due",
        Ok(Refusal::Held) => "held",
        Ok(Refusal::Unspecified) | Err(_) => "unspecified",
    }
}

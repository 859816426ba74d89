//! One turn of the pipeline: claims a chunk of hints, lets the destination act, and settles every job of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

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

/// Longest time for which jobs are put off: the account's quota may be back sooner than it said.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(300);

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
    let not_started = doubled.into_iter().map(Settled::not_started).collect();
    // Those that go alone go one after the other: side by side they would all begin and none come to its end.
    let (alone, together): (Vec<_>, Vec<_>) = batches.into_iter().partition(WorkBatch::is_solo);
    let together: Vec<_> = together
        .into_iter()
        .map(|batch| run(shared, batch, prepaid.take()))
        .collect();
    let alone = async {
        for batch in alone {
            run(shared, batch, prepaid.take()).await;
        }
        prepaid
    };
    let (_, left, ()) = tokio::join!(join_all(together), alone, settle(shared, not_started));
    if let Some(prepaid) = left {
        shared.quota.give_back(&prepaid.account, prepaid.permit).await;
    }
}

/// A job with what became of it.
struct Settled {
    job: Granted,
    outcome: Outcome,
    calls: u32,
    connection_version: i64,
}

/// An outcome, and the version of the connection that it was met with.
struct Met {
    outcome: ItemOutcome,
    connection_version: i64,
}

impl Settled {
    fn not_started(job: Granted) -> Self {
        Self {
            job,
            outcome: Outcome::NotStarted,
            calls: 0,
            connection_version: 0,
        }
    }
}

/// Claims jobs and gives them back at once, to be due when there may be quota: so nobody publishes them in the meantime.
pub(super) async fn put_off<D: Destination>(shared: &Shared<D>, chunk: Vec<Held>, wait: Duration) {
    let granted = claim(shared, chunk).await;
    let after = wait.min(LONGEST_PUT_OFF).try_into().ok();
    let leases = granted.iter().map(|job| {
        let lease = wire::JobLease {
            job_id: job.item.job_id.clone(),
            lease_token: job.item.lease_token.clone(),
            after,
        };
        (job.held.received.id.clone(), lease)
    });
    let given_back = shared.reports.release(leases.collect()).await;
    shared.ack(given_back).await;
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
    let is_known = action != Action::Unspecified;
    let (Some(lead), Some(lease), true) = (grant.lead, lease, is_known) else {
        tracing::error!(job.id = held.received.hint.job, "a grant makes no sense");
        return None;
    };
    let lease: Duration = lease;
    let traceparent = if grant.traceparent.is_empty() {
        held.received.hint.traceparent.clone()
    } else {
        grant.traceparent
    };
    let item = WorkItem {
        job_id: held.received.hint.job.clone(),
        lease_token: grant.lease_token,
        lead,
        record_ids: grant.record_ids,
        lead_ids: grant.lead_ids,
        attempt: u32::try_from(grant.attempt).unwrap_or(0),
        solo: grant.solo,
        traceparent,
    };
    Some(Granted {
        item,
        connection_id: grant.connection_id,
        connection_version: grant.connection_version,
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
    let lease = LeaseBudget::new(lease_until.saturating_duration_since(Instant::now()), lane);
    shared.instruments.batch(batch.jobs.len(), lane);
    async {
        let met = deliver(shared, &batch, &lease, prepaid).await;
        crate::crash_point!("driver.after_vendor_answer");
        settle(shared, count_against(batch.jobs, met, lease.calls())).await;
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

/// Lets the destination act. If it finds the credentials bad, they may have been replaced since the claim: it gets
/// another try if leads-svc has others by now.
async fn deliver<D: Destination>(
    shared: &Shared<D>,
    batch: &WorkBatch,
    lease: &LeaseBudget,
    prepaid: Option<Prepaid>,
) -> Vec<Met> {
    let items: Vec<WorkItem> = batch.jobs.iter().map(|job| job.item.clone()).collect();
    let (id, version) = (batch.connection_id.as_str(), batch.connection_version());
    let connection = match shared.connections.get(id, version).await {
        Ok(connection) => connection,
        Err(status) => {
            if let Some(prepaid) = prepaid {
                shared.quota.give_back(&prepaid.account, prepaid.permit).await;
            }
            return without_connection(&items, &status);
        }
    };
    let lease = shared.pay(lease, &connection, prepaid.as_ref()).await;
    let mut met = call(shared, &connection, batch.action, items.clone(), &lease).await;
    if let (Some(permit), Some(prepaid)) = (lease.take_unused(), prepaid) {
        shared.quota.give_back(&prepaid.account, permit).await;
    }
    let is_refused = |met: &Met| matches!(met.outcome.outcome, Outcome::Paused { for_: None, .. });
    if !met.iter().any(is_refused) {
        return met;
    }
    match shared.connections.refetch(id).await {
        Ok(fresh) if fresh.settings.credentials != connection.settings.credentials => {
            let (refused, rest): (Vec<_>, Vec<_>) = met.into_iter().partition(is_refused);
            let again = |item: &WorkItem| refused.iter().any(|met| met.outcome.job_id == item.job_id);
            let items = items.into_iter().filter(again).collect();
            met = rest;
            met.extend(call(shared, &fresh, batch.action, items, &lease).await);
            met
        }
        Ok(_) | Err(_) => met,
    }
}

async fn call<D: Destination>(
    shared: &Shared<D>,
    connection: &Connection,
    action: Action,
    items: Vec<WorkItem>,
    lease: &LeaseBudget,
) -> Vec<Met> {
    let (destination, lease) = (&shared.destination, lease.clone());
    let outcomes = match action {
        Action::Verify => destination.verify(connection, items, lease).await,
        Action::Remove => destination.remove(connection, items, lease).await,
        Action::Erase => destination.erase(connection, items, lease).await,
        Action::VerifyRemoved => destination.verify_gone(connection, items, false, lease).await,
        Action::VerifyErased => destination.verify_gone(connection, items, true, lease).await,
        Action::Write | Action::Unspecified => destination.write(connection, items, lease).await,
    };
    let connection_version = connection.settings.version;
    let met = |outcome| Met {
        outcome,
        connection_version,
    };
    outcomes.into_iter().map(met).collect()
}

/// A connection that is gone is leads-svc's to sort out, so the attempt counts and backs off; an outage does not.
fn without_connection(items: &[WorkItem], status: &tonic::Status) -> Vec<Met> {
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
    let met = |item: &WorkItem| Met {
        outcome: ItemOutcome {
            job_id: item.job_id.clone(),
            outcome: outcome.clone(),
            calls: 0,
        },
        connection_version: 0,
    };
    items.iter().map(met).collect()
}

/// Gives each job its outcome. A job without one is unknown; an outcome without a job is dropped.
fn count_against(jobs: Vec<Granted>, met: Vec<Met>, calls: u32) -> Vec<Settled> {
    let mut by_job: HashMap<String, Met> = met
        .into_iter()
        .map(|met| (met.outcome.job_id.clone(), met))
        .collect();
    let settled = |job: Granted| match by_job.remove(&job.item.job_id) {
        Some(met) => Settled {
            job,
            outcome: met.outcome.outcome,
            calls: met.outcome.calls,
            connection_version: met.connection_version,
        },
        None => Settled {
            job,
            outcome: Outcome::Unknown {
                why: "the answer does not mention the item".to_owned(),
            },
            calls,
            connection_version: 0,
        },
    };
    jobs.into_iter().map(settled).collect()
}

/// Reports or releases each job; acknowledges the entries of those that leads-svc knows about.
async fn settle<D: Destination>(shared: &Shared<D>, jobs: Vec<Settled>) {
    if jobs.is_empty() {
        return;
    }
    let (mut reports, mut released) = (Vec::new(), Vec::new());
    let mut places = Vec::with_capacity(jobs.len());
    for settled in jobs {
        let Granted { item, held, .. } = settled.job;
        let WorkItem {
            job_id, lease_token, ..
        } = item;
        let outcome = settled.outcome;
        shared.instruments.outcome(outcome.name(), held.received.lane);
        if outcome == Outcome::NotStarted {
            let after = None;
            let lease = wire::JobLease {
                job_id,
                lease_token,
                after,
            };
            released.push((held.received.id.clone(), lease));
        } else {
            reports.push((
                held.received.id.clone(),
                outcome.into_report(job_id, lease_token, settled.calls, settled.connection_version),
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
    let (mut finished, reported) = tokio::join!(shared.reports.release(released), reporting);
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

//! Reports outcomes, in batches, until leads-svc has them; gives back what was not started.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use leads_proto::reason::Reason;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wire::ReportStatus;

use super::batch::Batcher;
use super::service::LeadsService;
use crate::process::tasks::TaskSet;
use crate::stream::EntryId;

/// Most outcomes or leases of a call.
const MOST: usize = 500;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Tries to give jobs back; after that their leases run out.
const RELEASE_TRIES: u32 = 3;
/// Tries of an outcome that leads-svc refuses although it is alone; after that its lease runs out.
const TRIES_ALONE: u32 = 4;

/// The reporting side. Clones share the queue.
#[derive(Clone)]
pub(super) struct Reports {
    batcher: Batcher<wire::JobOutcome, Option<ReportStatus>>,
    service: LeadsService,
}

impl Reports {
    pub(super) fn start(tasks: &TaskSet, service: LeadsService, abandon: CancellationToken) -> Self {
        let line = service.clone();
        let batcher = Batcher::start(tasks, "reports", MOST, move |outcomes| {
            let (line, abandon) = (line.clone(), abandon.clone());
            async move { report(&line, outcomes, &abandon).await }
        });
        Self { batcher, service }
    }

    /// Returns when leads-svc has the outcome. `None` if it never will: its lease runs out, which makes it unknown.
    pub(super) async fn report(&self, outcome: wire::JobOutcome) -> Option<ReportStatus> {
        self.batcher.ask(outcome).await.flatten()
    }

    /// Gives jobs back that were not started. Returns the entries of those that leads-svc has back; the leases of the
    /// others run out.
    pub(super) async fn release(&self, leases: Vec<(EntryId, wire::JobLease)>) -> Vec<EntryId> {
        let (entries, leases): (Vec<_>, Vec<_>) = leases.into_iter().unzip();
        let mut given_back = Vec::with_capacity(entries.len());
        for (leases, entries) in leases.chunks(MOST).zip(entries.chunks(MOST)) {
            if self.release_some(leases).await {
                given_back.extend_from_slice(entries);
            }
        }
        given_back
    }

    async fn release_some(&self, leases: &[wire::JobLease]) -> bool {
        let mut pause = Duration::from_millis(200);
        for left in (0..RELEASE_TRIES).rev() {
            let Err(status) = self.service.release(leases.to_vec()).await else {
                return true;
            };
            tracing::warn!(code = ?status.code(), message = status.message(), left, "release failed");
            if left > 0 {
                sleep(pause).await;
                pause *= 2;
            }
        }
        false
    }
}

async fn report(
    service: &LeadsService,
    outcomes: Vec<wire::JobOutcome>,
    abandon: &CancellationToken,
) -> Vec<Option<ReportStatus>> {
    let mut pause = Duration::from_millis(100);
    let mut refusals = 0;
    loop {
        let status = match service.report(outcomes.clone()).await {
            Ok(results) => return in_order(&outcomes, results),
            Err(status) => status,
        };
        tracing::warn!(code = ?status.code(), message = status.message(), outcomes = outcomes.len(), "report failed");
        if !will_pass(&status) {
            refusals += 1;
            match outcomes.as_slice() {
                [outcome] if refusals >= TRIES_ALONE => {
                    tracing::error!(job.id = outcome.job_id, "leads-svc does not take the outcome");
                    return vec![None];
                }
                [] | [_] => {}
                _ => return by_halves(service, outcomes, abandon).await,
            }
        }
        tokio::select! {
            () = abandon.cancelled() => return vec![None; outcomes.len()],
            () = sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether a refusal has nothing to do with what was reported: the same call succeeds some time.
fn will_pass(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Cancelled
        | Code::Unauthenticated
        | Code::PermissionDenied => true,
        Code::ResourceExhausted => status.get_details_error_info().is_some_and(|info| {
            [Reason::Overloaded, Reason::RateLimited]
                .map(Reason::name)
                .contains(&info.reason.as_str())
        }),
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => false,
    }
}

/// Outcomes that leads-svc cannot take must not keep the others from it.
async fn by_halves(
    service: &LeadsService,
    mut outcomes: Vec<wire::JobOutcome>,
    abandon: &CancellationToken,
) -> Vec<Option<ReportStatus>> {
    let rest = outcomes.split_off(outcomes.len() / 2);
    let mut answers = Box::pin(report(service, outcomes, abandon)).await;
    answers.extend(Box::pin(report(service, rest, abandon)).await);
    answers
}

fn in_order(outcomes: &[wire::JobOutcome], results: Vec<wire::ReportResult>) -> Vec<Option<ReportStatus>> {
    let mut results = results.into_iter();
    outcomes
        .iter()
        .map(|outcome| {
            let result = results.next().filter(|result| result.job_id == outcome.job_id)?;
            (result.status() != ReportStatus::Unspecified).then(|| result.status())
        })
        .collect()
}

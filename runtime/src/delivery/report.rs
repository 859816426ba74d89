//! Reports outcomes, in batches, until leads-svc has them; gives back what was not started.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use wire::ReportStatus;

use super::batch::Batcher;
use super::service::LeadsService;
use crate::process::tasks::TaskSet;

/// Most outcomes or leases of a call.
const MOST: usize = 500;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Tries to give jobs back; after that their leases run out.
const RELEASE_TRIES: u32 = 3;

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

    /// Gives jobs back that were not started.
    pub(super) async fn release(&self, leases: Vec<wire::JobLease>) {
        for chunk in leases.chunks(MOST) {
            let mut pause = Duration::from_millis(200);
            for left in (0..RELEASE_TRIES).rev() {
                let Err(status) = self.service.release(chunk.to_vec()).await else {
                    break;
                };
                tracing::warn!(code = ?status.code(), message = status.message(), left, "release failed");
                sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

async fn report(
    service: &LeadsService,
    outcomes: Vec<wire::JobOutcome>,
    abandon: &CancellationToken,
) -> Vec<Option<ReportStatus>> {
    let mut pause = Duration::from_millis(100);
    loop {
        let status = match service.report(outcomes.clone()).await {
            Ok(results) => return in_order(&outcomes, results),
            Err(status) => status,
        };
        tracing::warn!(code = ?status.code(), message = status.message(), outcomes = outcomes.len(), "report failed");
        if status.code() == Code::InvalidArgument {
            return one_by_one(service, outcomes, abandon).await;
        }
        tokio::select! {
            () = abandon.cancelled() => return Vec::new(),
            () = sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One outcome that leads-svc cannot take must not keep the others from it.
async fn one_by_one(
    service: &LeadsService,
    outcomes: Vec<wire::JobOutcome>,
    abandon: &CancellationToken,
) -> Vec<Option<ReportStatus>> {
    if let [outcome] = outcomes.as_slice() {
        tracing::error!(job.id = outcome.job_id, "leads-svc does not take the outcome");
        return vec![None];
    }
    let mut answers = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let answer = Box::pin(report(service, vec![outcome], abandon)).await;
        answers.push(answer.into_iter().next().flatten());
    }
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

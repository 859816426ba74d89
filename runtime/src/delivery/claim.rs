//! Claims what hints named, in batches, and waits while leads-svc is away.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::batch::Batcher;
use super::service::LeadsService;
use crate::process::tasks::TaskSet;
use crate::stream::JobHint;

/// Most hints of a call.
const MOST: usize = 500;
/// How long a claim is tried. After that the hints are forgotten; their entries come back by a take-over.
const PATIENCE: Duration = Duration::from_secs(30);

/// The claiming side. Clones share the queue.
#[derive(Clone)]
pub(super) struct Claims {
    batcher: Batcher<wire::JobHint, Claimed>,
}

/// The answer to one hint.
pub(super) struct Claimed {
    /// When the claim was sent: leases are counted from here, on the safe side.
    pub(super) at: Instant,
    pub(super) result: wire::ClaimResult,
}

impl Claims {
    pub(super) fn start(
        tasks: &TaskSet,
        service: LeadsService,
        replica: String,
        abandon: CancellationToken,
    ) -> Self {
        let batcher = Batcher::start(tasks, "claims", MOST, move |hints| {
            claim(service.clone(), replica.clone(), hints, abandon.clone())
        });
        Self { batcher }
    }

    /// Claims one job. `None` if leads-svc could not be asked.
    pub(super) async fn claim(&self, hint: &JobHint) -> Option<Claimed> {
        let question = wire::JobHint {
            job_id: hint.job.clone(),
            generation: hint.generation,
        };
        let claimed = self.batcher.ask(question).await?;
        (claimed.result.job_id == hint.job).then_some(claimed)
    }
}

async fn claim(
    service: LeadsService,
    replica: String,
    hints: Vec<wire::JobHint>,
    abandon: CancellationToken,
) -> Vec<Claimed> {
    let give_up = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(200);
    loop {
        let at = Instant::now();
        let status = match service.claim(&replica, hints.clone()).await {
            Ok(results) => return results.into_iter().map(|result| Claimed { at, result }).collect(),
            Err(status) => status,
        };
        tracing::warn!(code = ?status.code(), message = status.message(), hints = hints.len(), "claim failed");
        tokio::select! {
            () = abandon.cancelled() => return Vec::new(),
            () = sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
        }
        if Instant::now() > give_up {
            return Vec::new();
        }
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

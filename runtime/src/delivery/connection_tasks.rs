//! Carries out connection tasks: asked for every few seconds, and at once when a hint says so.

use std::sync::Arc;
use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::connector::{Connection, Destination, Task};
use super::driver::Shared;
use super::lease::LeaseBudget;
use super::outcome::TaskOutcome;
use crate::stream::Lane;

/// Most tasks at a time.
const MOST: usize = 5;
/// Time of a lease that is kept for the report.
const MARGIN: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn run<D: Destination>(shared: Arc<Shared<D>>, wake: Arc<Notify>) {
    let stop = shared.tasks.stop_token();
    let poll = Duration::from_millis(shared.config.task_poll_ms);
    let places = Arc::new(Semaphore::new(MOST));
    while !stop.is_cancelled() {
        let limit = i32::try_from(places.available_permits()).unwrap_or(1);
        let claimed = tokio::select! {
            () = stop.cancelled() => return,
            claimed = shared.service.claim_tasks(&shared.replica, limit.max(1)) => claimed,
        };
        let found = match claimed {
            Ok(tasks) => tasks,
            Err(status) => {
                tracing::debug!(code = ?status.code(), message = status.message(), "tasks could not be claimed");
                Vec::new()
            }
        };
        let look_again = !found.is_empty();
        for task in found {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let (tasks, shared) = (shared.tasks.clone(), shared.clone());
            tasks.spawn("connection task", async move {
                carry_out(&shared, task).await;
                drop(place);
            });
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // The next claim waits until a task can be carried out.
            _ = places.acquire(), if look_again => {}
            () = wake.notified(), if !look_again => {}
            () = sleep(poll), if !look_again => {}
        }
    }
}

#[tracing::instrument(name = "connection task", skip_all, fields(task.id = task.task_id, connection.id = task.connection_id))]
async fn carry_out<D: Destination>(shared: &Shared<D>, task: wire::ConnectionTask) {
    let ours = Task {
        id: task.task_id.clone(),
        lease_token: task.lease_token.clone(),
        kind: task.kind(),
    };
    let lease: Duration = task
        .lease
        .and_then(|lease| lease.try_into().ok())
        .unwrap_or_default();
    let until = Instant::now() + lease.saturating_sub(MARGIN);
    let outcome = match task.connection {
        Some(settings) => {
            let connection = Connection {
                id: task.connection_id,
                settings,
            };
            let budget = LeaseBudget::new(lease, Lane::Hot);
            let work = shared.destination.connect_task(&connection, &ours, budget);
            timeout_at(until, work)
                .await
                .unwrap_or_else(|_elapsed| retry("TIMEOUT", "the vendor took too long"))
        }
        None => retry("CONNECTION", "the task has no connection"),
    };
    let report = outcome.into_report(task.task_id, task.lease_token);
    let mut pause = Duration::from_millis(200);
    while let Err(status) = shared.service.report_task(report.clone()).await {
        tracing::warn!(code = ?status.code(), message = status.message(), "task could not be reported");
        if Instant::now() > until + MARGIN {
            return;
        }
        tokio::select! {
            () = shared.abandon.cancelled() => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn retry(class: &'static str, message: &str) -> TaskOutcome {
    TaskOutcome::Retry {
        class,
        after: None,
        code: String::new(),
        message: message.to_owned(),
    }
}

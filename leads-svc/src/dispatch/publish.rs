//! Publishes due jobs: when something was stored in this process, and at the latest after a short interval.

use std::{sync::Arc, time::Duration};

use leads_runtime::stream::{Body, Destination, Hint, JobHint, Lane, Publisher, TaskHint};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        ids,
        sync::{self, Provider},
    },
    storage::{self, Store, jobs::publish},
};

/// How often Redis is asked whether it is there and still has its data.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Pause after a failure, so that a broken database or Redis is not hammered.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Shortest time between two looks that were asked for: what is stored meanwhile shares the second.
const BETWEEN_WAKES: Duration = Duration::from_millis(10);

/// What a dispatcher knows of the streams.
struct Streams {
    /// When Redis was asked last whether it is there.
    probed: tokio::time::Instant,
    /// They may have lost what was published, and it is not due again yet: Redis tells that only once.
    lost: bool,
}

/// Publishes until it is stopped. Any number of replicas may run one each.
#[derive(Clone)]
pub struct Dispatcher {
    /// The database.
    pub store: Store,
    /// The streams.
    pub publisher: Publisher,
    /// Says that something was stored.
    pub wake: Arc<Notify>,
    /// Longest time between two looks.
    pub interval: Duration,
    /// Most jobs on their way per connection.
    pub window: u64,
    /// When a hint that nobody claimed counts as lost.
    pub patience: Duration,
}

impl Dispatcher {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut streams = Streams {
            probed: tokio::time::Instant::now(),
            lost: false,
        };
        let mut woken = true;
        loop {
            let looked = tokio::time::Instant::now();
            let result = self.round(woken, &mut streams).await;
            let pause = match result {
                Ok(true) => Duration::ZERO,
                Ok(false) => self.interval,
                Err(error) => {
                    tracing::warn!(error = %error, "publishing failed");
                    AFTER_FAILURE
                }
            };
            woken = tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => true,
                () = tokio::time::sleep(pause) => false,
            };
            if woken {
                tokio::time::sleep_until(looked + BETWEEN_WAKES).await;
            }
        }
    }

    /// One look; true if there may be more to publish at once.
    async fn round(&self, woken: bool, streams: &mut Streams) -> storage::Result<bool> {
        if streams.probed.elapsed() >= PROBE_INTERVAL {
            streams.probed = tokio::time::Instant::now();
            match self.publisher.probe().await {
                Ok(came_back) => streams.lost |= came_back,
                Err(error) => tracing::debug!(error = %error, "redis does not answer"),
            }
        }
        // What would be marked now could not be told: it stays due until Redis is back.
        if self.publisher.is_away() {
            return Ok(false);
        }
        if streams.lost {
            let again = self.store.republish_all().await?;
            streams.lost = false;
            tracing::info!(
                jobs = again,
                "redis is new or was away: everything published is published again"
            );
        }
        let mut more = false;
        for provider in Provider::ALL {
            if woken {
                self.publish_tasks(provider).await?;
            }
            more |= self.publish_jobs(provider, streams).await?;
        }
        Ok(more || streams.lost)
    }

    async fn publish_jobs(&self, provider: Provider, streams: &mut Streams) -> storage::Result<bool> {
        let marked = self
            .store
            .publish_due(provider, self.window, self.patience)
            .await?;
        if marked.is_empty() {
            return Ok(false);
        }
        leads_runtime::crash_point!("publish.after_mark");
        let hints: Vec<Hint> = marked.iter().map(|hint| entry(provider, hint)).collect();
        let published = self.publisher.publish(&hints).await;
        leads_runtime::crash_point!("publish.after_xadd");
        streams.lost |= published.came_back;
        let failed: Vec<publish::Hint> = marked
            .iter()
            .zip(&published.results)
            .filter(|(_, result)| result.is_err())
            .map(|(hint, _)| hint.clone())
            .collect();
        if let Some(Err(error)) = published.results.iter().find(|result| result.is_err()) {
            tracing::warn!(error = %error, hints = failed.len(), "hints could not be published");
            self.store.unpublish(&failed).await?;
        }
        Ok(failed.is_empty() && marked.len() as u64 >= publish::MAX_PUBLISHED / 2)
    }

    async fn publish_tasks(&self, provider: Provider) -> storage::Result<()> {
        let due = self.store.due_tasks(provider).await?;
        let hints: Vec<Hint> = due
            .into_iter()
            .map(|(task, workspace)| Hint {
                destination: destination(provider),
                body: Body::Task(TaskHint {
                    task: ids::format::<ids::Task>(task),
                    workspace: ids::format::<ids::Workspace>(workspace),
                }),
            })
            .collect();
        if !hints.is_empty() {
            // Connectors ask for tasks by themselves now and then: a lost hint costs seconds.
            let _ = self.publisher.publish(&hints).await;
        }
        Ok(())
    }
}

fn entry(provider: Provider, hint: &publish::Hint) -> Hint {
    let lane = match hint.lane {
        sync::Lane::Hot => Lane::Hot,
        sync::Lane::Normal => Lane::Normal,
        sync::Lane::Bulk => Lane::Bulk,
    };
    Hint {
        destination: destination(provider),
        body: Body::Job(
            lane,
            JobHint {
                job: ids::format::<ids::Job>(hint.job),
                generation: hint.generation,
                workspace: ids::format::<ids::Workspace>(hint.workspace),
                traceparent: hint.traceparent.clone(),
            },
        ),
    }
}

fn destination(provider: Provider) -> Destination {
    Destination::new(provider.name())
}

//! The pipeline: hints → quota → claim → vendor → report → acknowledgement.
//!
//! Moves: a hint waits in its workspace's queue; the worker of that queue takes a call of quota, claims a batch and lets
//! the destination act; each outcome is reported until leads-svc has it, only then the entry is acknowledged.
//!
//! Must hold: nothing is sent without a lease; no entry is acknowledged while its job is neither refused, reported nor
//! given back; what is begun comes before what is not.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::Meter;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::claim::Claims;
use super::connections::Connections;
use super::connector::{Connection, Destination};
use super::instruments::Instruments;
use super::lease::LeaseBudget;
use super::queue::{Held, QueueKey, Queues};
use super::report::Reports;
use super::service::LeadsService;
use super::settings::DeliveryConfig;
use super::{act, connection_tasks};
use crate::process::health::Readiness;
use crate::process::tasks::TaskSet;
use crate::quota::{Account, LiveReplicas, Permit, Quota, Use, Verdict};
use crate::stream::{self, Acker, Consumer, EntryId, Lane, Redis};

/// Places at which a test can kill any connector.
pub const CRASH_POINTS: [&str; 6] = [
    "consumer.after_read",
    "driver.after_claim",
    "driver.before_vendor_call",
    "driver.after_vendor_answer",
    "driver.after_report",
    "driver.after_ack",
];

/// Readiness check: whether leads-svc answers.
pub const READY_LEADS: &str = "leads_svc";
/// Readiness check: whether hints can be read.
pub const READY_REDIS: &str = "redis";

const HEARTBEAT: Duration = Duration::from_secs(10);
const HEARTBEAT_RETRY: Duration = Duration::from_secs(1);

/// What a driver works with.
pub struct DriverParts {
    /// The line to leads-svc.
    pub service: LeadsService,
    /// Where hints come from.
    pub redis: Redis,
    /// The vendor's limits; the one that the destination's calls go through.
    pub quota: Quota,
    /// Kept up to date by heartbeats; the one that the quota was made with.
    pub replicas: LiveReplicas,
    /// How much to take on.
    pub config: DeliveryConfig,
    /// Time of a lease that a vendor call and its report may need.
    pub needed: Duration,
    /// Name of this process among its siblings.
    pub replica: String,
    /// Gets the checks [`READY_LEADS`] and [`READY_REDIS`].
    pub readiness: Readiness,
    /// Source of instruments.
    pub meter: Meter,
}

/// What all tasks of a driver share.
pub(super) struct Shared<D> {
    pub(super) destination: Arc<D>,
    pub(super) service: LeadsService,
    pub(super) connections: Connections,
    pub(super) quota: Quota,
    pub(super) claims: Claims,
    pub(super) reports: Reports,
    pub(super) acker: Acker,
    pub(super) config: DeliveryConfig,
    /// Shortest lease that is of use.
    pub(super) needed: Duration,
    pub(super) replica: String,
    pub(super) readiness: Readiness,
    pub(super) instruments: Instruments,
    pub(super) tasks: TaskSet,
    pub(super) queues: Queues,
    /// Cancelled when the time to drain is over.
    pub(super) abandon: CancellationToken,
}

/// A call that was paid for before the claim.
#[derive(Debug)]
pub(super) struct Prepaid {
    pub(super) account: Account,
    pub(super) permit: Permit,
    pub(super) valid_until: Instant,
}

/// Starts delivering to a destination. It stops with the task set, which takes up to `drain_ms`.
pub fn start<D: Destination>(destination: Arc<D>, parts: DriverParts, tasks: &TaskSet) {
    let abandon = CancellationToken::new();
    let consumer = Consumer::new(
        parts.redis,
        stream::Destination::new(D::NAME),
        parts.config.consumer(&parts.replica),
        &parts.meter,
    );
    let shared = Arc::new(Shared {
        destination,
        connections: Connections::new(parts.service.clone()),
        claims: Claims::start(
            tasks,
            parts.service.clone(),
            parts.replica.clone(),
            abandon.clone(),
        ),
        reports: Reports::start(tasks, parts.service.clone(), abandon.clone()),
        service: parts.service,
        quota: parts.quota,
        acker: consumer.acker(),
        config: parts.config,
        needed: parts.needed,
        replica: parts.replica,
        readiness: parts.readiness,
        instruments: Instruments::new(&parts.meter),
        tasks: tasks.clone(),
        queues: Queues::default(),
        abandon,
    });
    shared.readiness.set(READY_LEADS, false);
    shared.readiness.set(READY_REDIS, false);
    let wake = Arc::new(Notify::new());
    tasks.spawn("heartbeat", heartbeat(shared.clone(), parts.replicas));
    tasks.spawn(
        "connection tasks",
        connection_tasks::run(shared.clone(), wake.clone()),
    );
    tasks.spawn("drain limit", limit_drain(shared.clone()));
    tasks.spawn("hint reader", read(shared, consumer, wake));
}

/// Gives up what is still at work when the time to drain is over, counted from the moment the process was told to stop.
async fn limit_drain<D: Destination>(shared: Arc<Shared<D>>) {
    shared.tasks.stop_token().cancelled().await;
    tokio::select! {
        () = shared.abandon.cancelled() => {}
        () = sleep(Duration::from_millis(shared.config.drain_ms)) => shared.abandon.cancel(),
    }
}

async fn heartbeat<D: Destination>(shared: Arc<Shared<D>>, replicas: LiveReplicas) {
    let stop = shared.tasks.stop_token();
    loop {
        let answer = tokio::select! {
            () = stop.cancelled() => return,
            answer = shared.service.heartbeat(&shared.replica) => answer,
        };
        let pause = match answer {
            Ok(beat) => {
                replicas.set(beat.live_replicas);
                shared.readiness.set(READY_LEADS, shared.can_use(beat.lease));
                HEARTBEAT
            }
            Err(status) => {
                let hint = match status.code() {
                    Code::Unimplemented => {
                        "leads.endpoint is no connector port of leads-svc (8081 unless configured)"
                    }
                    Code::Unauthenticated => {
                        "leads.credential is not known: make one with `leads-svc key create --connector`"
                    }
                    Code::PermissionDenied => "leads.credential is for another destination",
                    Code::Unavailable => "nobody answers at leads.endpoint",
                    _ => "leads-svc says why in its log",
                };
                tracing::warn!(code = ?status.code(), message = status.message(), hint, "heartbeat failed");
                shared.readiness.set(READY_LEADS, false);
                HEARTBEAT_RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

/// Reads hints into queues until the process stops, then sees that what is held is finished or given up.
async fn read<D: Destination>(shared: Arc<Shared<D>>, mut consumer: Consumer, wake: Arc<Notify>) {
    let stop = shared.tasks.stop_token();
    let places = Arc::new(Semaphore::new(shared.config.hints));
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = places.acquire() => {}
        }
        let connected = consumer.connect().await;
        shared.readiness.set(READY_REDIS, consumer.is_connected());
        if !connected {
            continue;
        }
        // Not cancelled half-way: an entry that arrives meanwhile would be delivered to nobody.
        let batch = consumer.read(places.available_permits()).await;
        shared.readiness.set(READY_REDIS, consumer.is_connected());
        if !batch.tasks.is_empty() {
            wake.notify_one();
        }
        if !batch.jobs.is_empty() {
            crate::crash_point!("consumer.after_read");
        }
        for received in batch.jobs {
            // There is a place for each, since nobody else takes places.
            let Ok(place) = places.clone().try_acquire_owned() else {
                break;
            };
            if let Some(key) = shared.queues.push(Held {
                received,
                _place: place,
            }) {
                shared.tasks.spawn("workspace queue", work(shared.clone(), key));
            }
        }
    }
    let all = u32::try_from(shared.config.hints).unwrap_or(u32::MAX);
    let drained = tokio::select! {
        _ = places.acquire_many(all) => true,
        () = shared.abandon.cancelled() => false,
    };
    tracing::info!(drained, "no hints are read any more");
    shared.abandon.cancel();
    consumer.leave().await;
}

/// Empties one queue, batch by batch, at the pace of its account.
async fn work<D: Destination>(shared: Arc<Shared<D>>, key: QueueKey) {
    let concurrent = Arc::new(Semaphore::new(shared.config.workspace_concurrency));
    let most = shared.destination.batch_size().max(1);
    loop {
        let Ok(place) = concurrent.clone().acquire_owned().await else {
            return;
        };
        if shared.abandon.is_cancelled() {
            return shared.queues.abandon(&key);
        }
        if key.lane != Lane::Hot && shared.queues.len(&key) < most {
            sleep(Duration::from_millis(shared.config.fill_ms)).await;
        }
        if shared.queues.end_if_empty(&key) {
            return;
        }
        let prepaid = tokio::select! {
            () = shared.abandon.cancelled() => continue,
            prepaid = shared.prepay(&key) => prepaid,
        };
        match prepaid {
            Ok(prepaid) => {
                let chunk = shared.queues.take(&key, most);
                let shared = shared.clone();
                let acting = shared.clone();
                acting.tasks.spawn("delivery", async move {
                    act::act(&shared, chunk, prepaid).await;
                    drop(place);
                });
            }
            Err(wait) => shared.defer(&key, wait).await,
        }
    }
}

/// Everything that keeps work from fitting leases, with what to change.
fn lease_problems(lease: Duration, needed: Duration, takeover: Duration) -> Vec<String> {
    let mut problems = Vec::new();
    let lease_ms = lease.as_millis();
    if lease < needed {
        problems.push(format!(
            "leads-svc's delivery.lease_ms is {lease_ms}, and a call with its report takes up to {} ms \
             (vendor.timeout_ms and 2 s): nothing would ever be sent; raise lease_ms or lower timeout_ms",
            needed.as_millis()
        ));
    }
    if takeover < lease {
        problems.push(format!(
            "delivery.takeover_ms is {}, and leads-svc's delivery.lease_ms is {lease_ms}: hints would be taken from readers \
             that still work; raise takeover_ms to more than lease_ms",
            takeover.as_millis()
        ));
    }
    problems
}

impl<D: Destination> Shared<D> {
    /// Takes a call out of the quota of the account that the workspace used last; nothing if that is not known yet.
    async fn prepay(&self, key: &QueueKey) -> Result<Option<Prepaid>, Duration> {
        let Some(connection) = self.connections.last_of(&key.workspace) else {
            return Ok(None);
        };
        let account = connection.account(self.destination.default_limits());
        let deadline = Instant::now() + Duration::from_millis(self.config.quota_wait_ms);
        match self.quota.acquire(&account, key.lane, Use::Begin, deadline).await {
            Verdict::Granted(permit) => {
                let valid_until = Instant::now() + self.config.quota().safety;
                Ok(Some(Prepaid {
                    account,
                    permit,
                    valid_until,
                }))
            }
            Verdict::Wait(wait) => Err(wait),
        }
    }

    /// Whether work fits the leases that leads-svc grants; an older one does not say how long they are.
    fn can_use(&self, lease: Option<Duration>) -> bool {
        let Some(lease) = lease else { return true };
        let problems = lease_problems(lease, self.needed, Duration::from_millis(self.config.takeover_ms));
        for problem in &problems {
            tracing::error!(
                problem,
                "the settings of leads-svc and of this process do not fit"
            );
        }
        problems.is_empty()
    }

    /// Makes a prepaid call part of the lease, if it is of the account that the calls will use.
    pub(super) async fn pay(
        &self,
        lease: &LeaseBudget,
        connection: &Connection,
        prepaid: Option<&Prepaid>,
    ) -> LeaseBudget {
        let lease = lease.clone();
        let Some(prepaid) = prepaid else { return lease };
        if prepaid.account.id == connection.account(self.destination.default_limits()).id {
            return lease.with_prepaid(prepaid.permit, prepaid.valid_until);
        }
        self.quota.give_back(&prepaid.account, prepaid.permit).await;
        lease
    }

    /// Puts the jobs of a queue off whose account has no quota for long.
    async fn defer(&self, key: &QueueKey, wait: Duration) {
        let hints = self.queues.take(key, usize::MAX);
        self.instruments.deferred(hints.len());
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            workspace.id = key.workspace,
            hints = hints.len(),
            wait_ms,
            "no quota, jobs are put off"
        );
        act::put_off(self, hints, wait).await;
    }

    pub(super) async fn ack(&self, entries: Vec<EntryId>) {
        if let Err(error) = self.acker.ack(&entries).await {
            tracing::warn!(%error, entries = entries.len(), "entries could not be acknowledged, they will come again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_keeps_work_from_fitting_a_lease_is_said_at_once() {
        let problems = |lease, needed, takeover| {
            let [lease, needed, takeover] = [lease, needed, takeover].map(Duration::from_secs);
            lease_problems(lease, needed, takeover)
        };
        assert_eq!(problems(30, 12, 60), Vec::<String>::new());
        let both = problems(70, 80, 60);
        assert_eq!(both.len(), 2);
        assert!(
            both[0].contains("lease_ms") && both[0].contains("timeout_ms"),
            "{both:?}"
        );
        assert!(both[1].contains("takeover_ms"), "{both:?}");
    }
}

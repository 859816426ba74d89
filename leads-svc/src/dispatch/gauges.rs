//! What is owed, as gauges: counted now and then by one task, so that a scrape costs nothing.
//!
//! What cannot be counted has no value until it can: a stale number would look like a healthy one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use leads_runtime::stream::{Destination, Publisher};
use opentelemetry::{KeyValue, metrics::Meter};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::sync::{JobState, Lane, Provider},
    storage::{self, Store},
};

const INTERVAL: Duration = Duration::from_secs(15);

/// Keeps the gauges. Every replica counts the same rows.
#[derive(Clone)]
pub struct Gauges {
    store: Store,
    publisher: Publisher,
    readings: Arc<Mutex<Readings>>,
}

/// What was counted last, by labels.
#[derive(Debug, Default)]
struct Readings {
    jobs: BTreeMap<[&'static str; 3], u64>,
    connections: BTreeMap<[String; 2], u64>,
    entries: BTreeMap<&'static str, u64>,
}

impl Gauges {
    /// Makes the instruments.
    pub fn new(store: Store, publisher: Publisher, meter: &Meter) -> Self {
        let readings = Arc::<Mutex<Readings>>::default();
        let last = Arc::clone(&readings);
        meter
            .u64_observable_gauge("leads.sync.jobs")
            .with_description("Jobs that are not done, by provider, lane and state.")
            .with_callback(move |gauge| {
                for ([provider, lane, state], count) in &lock(&last).jobs {
                    let labels = [("provider", *provider), ("lane", *lane), ("state", *state)];
                    gauge.observe(*count, &labels.map(|(key, value)| KeyValue::new(key, value)));
                }
            })
            .build();
        let last = Arc::clone(&readings);
        meter
            .u64_observable_gauge("leads.connections")
            .with_description("Connections to CRMs, by provider and state.")
            .with_callback(move |gauge| {
                for ([provider, state], count) in &lock(&last).connections {
                    let labels = [
                        KeyValue::new("provider", provider.clone()),
                        KeyValue::new("state", state.clone()),
                    ];
                    gauge.observe(*count, &labels);
                }
            })
            .build();
        let last = Arc::clone(&readings);
        meter
            .u64_observable_gauge("leads.stream.entries")
            .with_description("Hints on the streams of a provider, those at work included.")
            .with_callback(move |gauge| {
                for (provider, count) in &lock(&last).entries {
                    gauge.observe(*count, &[KeyValue::new("provider", *provider)]);
                }
            })
            .build();
        Self {
            store,
            publisher,
            readings,
        }
    }

    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            self.count().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    /// Counts everything once.
    pub async fn count(&self) {
        let jobs = logged("jobs", self.jobs().await);
        let connections = logged("connections", self.connections().await);
        let mut entries = BTreeMap::new();
        for provider in Provider::ALL {
            // The dispatcher tells when Redis is away.
            if let Ok(depth) = self.publisher.depth(Destination::new(provider.name())).await {
                entries.insert(provider.name(), depth);
            }
        }
        *lock(&self.readings) = Readings {
            jobs,
            connections,
            entries,
        };
    }

    async fn jobs(&self) -> storage::Result<BTreeMap<[&'static str; 3], u64>> {
        let mut counts = BTreeMap::new();
        for provider in Provider::ALL {
            for lane in [Lane::Hot, Lane::Normal, Lane::Bulk] {
                for state in ["due", "waiting", "published", "running", "dead"] {
                    counts.insert([provider.name(), word(lane), state], 0);
                }
            }
        }
        for jobs in self.store.count_jobs().await? {
            let mut add = |state, count| {
                *counts
                    .entry([jobs.provider.name(), word(jobs.lane), state])
                    .or_default() += count;
            };
            match jobs.state {
                JobState::Pending => {
                    add("due", jobs.due);
                    add("waiting", jobs.count.saturating_sub(jobs.due));
                }
                JobState::Published | JobState::Running | JobState::Dead => {
                    add(jobs.state.word(), jobs.count)
                }
                JobState::Done => {}
            }
        }
        Ok(counts)
    }

    async fn connections(&self) -> storage::Result<BTreeMap<[String; 2], u64>> {
        let mut counts = BTreeMap::new();
        for provider in Provider::ALL {
            for state in ["connecting", "connected", "resting", "paused", "failed"] {
                counts.insert([provider.name().to_owned(), state.to_owned()], 0);
            }
        }
        for connections in self.store.count_connections().await? {
            let mut add = |state: String, count| {
                *counts
                    .entry([connections.provider.name().to_owned(), state])
                    .or_default() += count;
            };
            add("resting".to_owned(), connections.resting);
            add(
                connections.state.clone(),
                connections.count.saturating_sub(connections.resting),
            );
        }
        Ok(counts)
    }
}

fn lock(readings: &Mutex<Readings>) -> MutexGuard<'_, Readings> {
    readings.lock().unwrap_or_else(PoisonError::into_inner)
}

fn word(lane: Lane) -> &'static str {
    match lane {
        Lane::Hot => "hot",
        Lane::Normal => "normal",
        Lane::Bulk => "bulk",
    }
}

fn logged<T: Default>(what: &'static str, counted: storage::Result<T>) -> T {
    counted.unwrap_or_else(|error| {
        tracing::warn!(error = %error, what, "the gauges could not be counted");
        T::default()
    })
}

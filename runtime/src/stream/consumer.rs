//! Reads hints as a member of the consumer group, the urgent first, and survives whatever Redis does.
//!
//! Moves: entries come by XREADGROUP, or by XAUTOCLAIM if another reader left them; they go by [`Acker::ack`].
//!
//! Must hold: a malformed entry never stops its neighbours; a missing group is created at 0, never at `$`, which would
//! skip what is there; an error never makes a busy loop.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Value};
use tokio::time::{Instant, sleep};

use super::acker::{Acker, EntryId};
use super::connection::{Redis, RedisError, is_stale};
use super::entry::{JobHint, TaskHint};
use super::keys::{Destination, GROUP, Lane};
use super::membership;
use super::reply::{self, RawEntry};

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Of a read's capacity, the part that bulk gets even if the other lanes could fill it.
const BULK_SHARE: usize = 8;
/// Most entries taken over in one go.
const TAKEOVER: usize = 100;
/// Where a search for left entries begins.
const START: &str = "0-0";

/// How a consumer behaves.
#[derive(Debug, Clone)]
pub struct ConsumerSettings {
    /// The consumer's name, unique among the replicas.
    pub name: String,
    /// Longest wait for an entry.
    pub block: Duration,
    /// Entries that a reader holds for longer are taken over; longer than a lease.
    pub takeover_after: Duration,
    /// How often left entries and left consumers are looked for.
    pub upkeep_interval: Duration,
    /// Consumers that were idle for longer and hold nothing are removed.
    pub forget_after: Duration,
}

/// One reader of a destination's streams.
pub struct Consumer {
    redis: Redis,
    settings: ConsumerSettings,
    streams: Vec<Stream>,
    connection: Option<MultiplexedConnection>,
    next_upkeep: Instant,
    pause: Duration,
    acker: Acker,
    counters: Counters,
}

/// What a read brought. Task hints are acknowledged already: tasks are asked for anyway, a hint only hastens it.
#[derive(Debug, Default)]
pub struct Batch {
    /// Hints to jobs, the most urgent first.
    pub jobs: Vec<Received>,
    /// Hints to connection tasks.
    pub tasks: Vec<TaskHint>,
}

/// A hint to a job, and its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Entry to acknowledge.
    pub id: EntryId,
    /// Lane that it came by.
    pub lane: Lane,
    /// What it says.
    pub hint: JobHint,
}

/// Lanes and, as `None`, tasks.
struct Stream {
    key: String,
    lane: Option<Lane>,
    cursor: String,
}

struct Counters {
    malformed: Counter<u64>,
    taken_over: Counter<u64>,
    errors: Counter<u64>,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            block: Duration::from_secs(1),
            takeover_after: Duration::from_secs(60),
            upkeep_interval: Duration::from_secs(5),
            forget_after: Duration::from_secs(120),
        }
    }
}

impl Consumer {
    /// A consumer that connects when it first reads.
    pub fn new(redis: Redis, destination: Destination, settings: ConsumerSettings, meter: &Meter) -> Self {
        let lanes = Lane::ALL.map(|lane| (destination.stream(lane), Some(lane)));
        let streams = lanes
            .into_iter()
            .chain([(destination.tasks(), None)])
            .map(|(key, lane)| Stream {
                key,
                lane,
                cursor: START.to_owned(),
            })
            .collect();
        let counters = Counters {
            malformed: meter
                .u64_counter("leads.stream.malformed")
                .with_description("Stream entries that made no sense and were dropped.")
                .build(),
            taken_over: meter
                .u64_counter("leads.stream.taken_over")
                .with_description("Stream entries taken over from a reader that went silent.")
                .build(),
            errors: meter
                .u64_counter("leads.stream.errors")
                .with_description("Reads from Redis that failed.")
                .build(),
        };
        Self {
            acker: Acker::new(redis.clone()),
            redis,
            settings,
            streams,
            connection: None,
            next_upkeep: Instant::now(),
            pause: SHORTEST_PAUSE,
            counters,
        }
    }

    /// Whether the last read reached Redis.
    pub fn is_connected(&self) -> bool {
        self.connection.is_some() && self.pause == SHORTEST_PAUSE
    }

    /// What acknowledges this consumer's entries.
    pub fn acker(&self) -> Acker {
        self.acker.clone()
    }

    /// Connects and creates the groups, if that is not done; false if Redis is not to be had, after a pause.
    pub async fn connect(&mut self) -> bool {
        match self.ensure_connected().await {
            Ok(()) => true,
            Err(error) => {
                self.connection = None;
                self.recover(error).await;
                false
            }
        }
    }

    /// Reads up to `capacity` hints, waiting for the block time if there are none. Errors are handled here and give an
    /// empty batch, after a pause. Do not drop the future half-way: Redis would hand the next entry to nobody, and it
    /// would wait for a take-over.
    pub async fn read(&mut self, capacity: usize) -> Batch {
        let entries = match self.read_entries(capacity.max(1)).await {
            Ok(entries) => {
                self.pause = SHORTEST_PAUSE;
                entries
            }
            Err(error) => {
                self.recover(error).await;
                Vec::new()
            }
        };
        self.sort_out(entries).await
    }

    /// Leaves the group, if nothing is pending on this consumer; else the entries would be lost to the others.
    pub async fn leave(mut self) {
        self.connection = None;
        let name = self.settings.name.clone();
        match self.remove_consumers(&name).await {
            Ok(removed) => tracing::info!(consumer = name, streams = removed, "left the consumer group"),
            Err(error) => tracing::warn!(consumer = name, %error, "could not leave the consumer group"),
        }
    }

    async fn ensure_connected(&mut self) -> RedisResult<()> {
        if self.connection.is_some() {
            return Ok(());
        }
        self.connection = Some(self.redis.blocking(self.settings.block).await?);
        self.create_groups().await?;
        match self.redis.eviction_policy().await {
            Some(policy) if policy.starts_with("allkeys") => {
                tracing::warn!(
                    policy,
                    "redis may evict streams when its memory is full; noeviction is better"
                );
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    async fn read_entries(&mut self, capacity: usize) -> RedisResult<Vec<(usize, RawEntry)>> {
        self.ensure_connected().await?;
        let mut entries = Vec::new();
        if Instant::now() >= self.next_upkeep {
            entries = self.upkeep(capacity).await?;
            self.next_upkeep = Instant::now() + self.settings.upkeep_interval;
        }
        let for_bulk = capacity.div_ceil(BULK_SHARE);
        for stream in 0..self.streams.len() {
            let left = capacity.saturating_sub(entries.len());
            let count = match self.streams.get(stream).and_then(|stream| stream.lane) {
                Some(Lane::Hot) => left,
                Some(Lane::Normal) => left
                    .saturating_sub(for_bulk)
                    .max(usize::from(left > 0 && capacity == 1)),
                Some(Lane::Bulk) => left,
                None => TAKEOVER,
            };
            if count > 0 {
                entries.extend(self.read_new(&[stream], count, None).await?);
            }
        }
        if entries.is_empty() {
            let all: Vec<usize> = (0..self.streams.len()).collect();
            let count = capacity.div_ceil(all.len());
            entries = self.read_new(&all, count, Some(self.settings.block)).await?;
        }
        Ok(entries)
    }

    async fn read_new(
        &mut self,
        streams: &[usize],
        count: usize,
        block: Option<Duration>,
    ) -> RedisResult<Vec<(usize, RawEntry)>> {
        let keys: Vec<&str> = streams
            .iter()
            .filter_map(|index| self.streams.get(*index))
            .map(|stream| stream.key.as_str())
            .collect();
        let mut command = redis::cmd("XREADGROUP");
        command
            .arg("GROUP")
            .arg(GROUP)
            .arg(&self.settings.name)
            .arg("COUNT")
            .arg(count);
        if let Some(block) = block {
            command
                .arg("BLOCK")
                .arg(u64::try_from(block.as_millis()).unwrap_or(u64::MAX));
        }
        command.arg("STREAMS").arg(&keys).arg(vec![">"; keys.len()]);
        let reply: Value = command
            .query_async(self.connection.as_mut().ok_or_else(closed)?)
            .await?;
        let mut entries = Vec::new();
        for (key, read) in reply::read(reply) {
            if let Some(index) = self.streams.iter().position(|stream| stream.key == key) {
                entries.extend(read.into_iter().map(|entry| (index, entry)));
            }
        }
        Ok(entries)
    }

    /// Takes over what readers left behind, and removes readers that are gone.
    async fn upkeep(&mut self, capacity: usize) -> RedisResult<Vec<(usize, RawEntry)>> {
        let idle = u64::try_from(self.settings.takeover_after.as_millis()).unwrap_or(u64::MAX);
        let mut entries = Vec::new();
        for (index, stream) in self.streams.iter_mut().enumerate() {
            let left = capacity.saturating_sub(entries.len()).min(TAKEOVER);
            if left == 0 {
                break;
            }
            let mut command = redis::cmd("XAUTOCLAIM");
            command
                .arg(&stream.key)
                .arg(GROUP)
                .arg(&self.settings.name)
                .arg(idle)
                .arg(&stream.cursor);
            command.arg("COUNT").arg(left);
            let connection = self.connection.as_mut().ok_or_else(closed)?;
            let reply: Value = command.query_async(connection).await?;
            let Some((cursor, taken)) = reply::taken_over(reply) else {
                continue;
            };
            stream.cursor = cursor;
            entries.extend(taken.into_iter().map(|entry| (index, entry)));
        }
        if !entries.is_empty() {
            self.counters
                .taken_over
                .add(u64::try_from(entries.len()).unwrap_or(u64::MAX), &[]);
            tracing::info!(
                entries = entries.len(),
                "took over entries that another reader left"
            );
        }
        self.remove_consumers("").await?;
        Ok(entries)
    }

    async fn remove_consumers(&self, name: &str) -> RedisResult<u64> {
        let keys = self.streams.iter().map(|stream| stream.key.as_str());
        membership::remove(&self.redis, keys, name, self.settings.forget_after).await
    }

    async fn create_groups(&mut self) -> RedisResult<()> {
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        for stream in &mut self.streams {
            START.clone_into(&mut stream.cursor);
            let mut command = redis::cmd("XGROUP");
            command
                .arg("CREATE")
                .arg(&stream.key)
                .arg(GROUP)
                .arg("0")
                .arg("MKSTREAM");
            match command.query_async::<()>(connection).await {
                Err(error) if error.code() != Some("BUSYGROUP") => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn recover(&mut self, error: RedisError) {
        let code = error.code().unwrap_or("IO").to_owned();
        self.counters
            .errors
            .add(1, &[KeyValue::new("code", code.clone())]);
        match code.as_str() {
            // The stream was deleted, perhaps while we waited for it: normal after a loss of data.
            "NOGROUP" | "UNBLOCKED" => {
                tracing::warn!(code, "consumer group is gone, creating it again");
                if let Err(error) = self.create_groups().await {
                    tracing::warn!(%error, "consumer group cannot be created");
                    self.connection = None;
                }
                sleep(SHORTEST_PAUSE).await;
                return;
            }
            // The server is there and refuses for now: LOADING, MISCONF, OOM, BUSY, NOSCRIPT and their like.
            _ => tracing::warn!(code, %error, "reading hints failed"),
        }
        self.redis.failed(&error);
        if is_stale(&error) {
            self.connection = None;
        }
        sleep(self.pause.mul_f64(rand::random_range(1.0..1.5))).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    async fn sort_out(&self, entries: Vec<(usize, RawEntry)>) -> Batch {
        let mut batch = Batch::default();
        let mut finished = Vec::new();
        for (index, entry) in entries {
            let Some(stream) = self.streams.get(index) else {
                continue;
            };
            let id = EntryId {
                stream: stream.key.clone(),
                id: entry.id,
            };
            let malformed = match stream.lane {
                Some(lane) => match JobHint::decode(&entry.fields) {
                    Ok(hint) => {
                        batch.jobs.push(Received { id, lane, hint });
                        continue;
                    }
                    Err(malformed) => Some(malformed),
                },
                None => TaskHint::decode(&entry.fields)
                    .map(|hint| batch.tasks.push(hint))
                    .err(),
            };
            if let Some(error) = malformed {
                self.counters.malformed.add(1, &[]);
                tracing::warn!(stream = id.stream, entry = id.id, %error, "entry is dropped");
            }
            finished.push(id);
        }
        if let Err(error) = self.acker.ack(&finished).await {
            tracing::warn!(%error, "entries could not be acknowledged, they will come again");
        }
        batch
    }
}

fn closed() -> RedisError {
    RedisError::from((redis::ErrorKind::Io, "not connected"))
}

//! Puts hints on streams, and notices when Redis has been away or has lost its data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::RedisResult;
use tokio::time::timeout;

use super::connection::Redis;
use super::entry::{Hint, JobHint, Malformed};
use super::keys::{Destination, GROUP, Lane};
use super::reply;

/// Longest time that a caller waits for Redis.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Exists for as long as Redis keeps its data.
const MARKER: &str = "leads:present";

/// Publishes hints. Clones share what is known of Redis.
#[derive(Clone)]
pub struct Publisher {
    redis: Redis,
    away: Arc<AtomicBool>,
}

/// What became of a publication.
#[derive(Debug)]
pub struct Published {
    /// A result per hint, in their order.
    pub results: Vec<Result<(), PublishError>>,
    /// Redis answered for the first time after it had failed: whatever was published before may be gone, so everything
    /// that is not finished is due for publishing again. Told once.
    pub came_back: bool,
}

/// Why a hint is not known to be on its stream. It may be there all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It can never be published.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Redis refused it, with this code, such as `OOM`.
    #[error("redis refused the entry: {0}")]
    Refused(String),
    /// Redis did not answer within a second.
    #[error("redis is away: {0}")]
    Unavailable(String),
}

impl Publisher {
    /// A publisher that takes Redis for present until a call fails.
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            away: Arc::default(),
        }
    }

    /// Appends hints in their order, in one round trip. Takes a second at most.
    pub async fn publish(&self, hints: &[Hint]) -> Published {
        let mut pipeline = redis::pipe();
        pipeline.ignore_errors();
        let encoded: Vec<Result<(), Malformed>> = hints
            .iter()
            .map(|hint| {
                let fields = hint.encode()?;
                pipeline.xadd(hint.stream(), "*", &fields);
                Ok(())
            })
            .collect();
        if encoded.iter().all(Result::is_err) {
            let results = encoded
                .into_iter()
                .map(|result| result.map_err(PublishError::from))
                .collect();
            return Published {
                results,
                came_back: false,
            };
        }
        let mut connection = self.redis.commands();
        let answer: Result<Vec<RedisResult<String>>, _> =
            self.bounded(pipeline.query_async(&mut connection)).await;
        let mut came_back = false;
        let mut answers = match answer {
            Ok(answers) => {
                let refused = answers.iter().find_map(|answer| answer.as_ref().err());
                match refused {
                    Some(error) => self.redis.failed(error),
                    None => came_back = self.away.swap(false, Ordering::SeqCst),
                }
                answers
                    .into_iter()
                    .map(|answer| answer.map(drop).map_err(refusal))
                    .collect::<Vec<_>>()
                    .into_iter()
            }
            Err(error) => vec![Err(error); hints.len()].into_iter(),
        };
        let results = encoded
            .into_iter()
            .map(|encoded| match encoded {
                Ok(()) => answers
                    .next()
                    .unwrap_or_else(|| Err(PublishError::Unavailable("no answer".to_owned()))),
                Err(malformed) => Err(malformed.into()),
            })
            .collect();
        Published { results, came_back }
    }

    /// Entries on a destination's job streams, those that are being worked on included.
    ///
    /// # Errors
    /// Redis refuses or is away.
    pub async fn depth(&self, destination: Destination) -> Result<u64, PublishError> {
        let mut pipeline = redis::pipe();
        for lane in Lane::ALL {
            pipeline.xlen(destination.stream(lane));
        }
        let mut connection = self.redis.commands();
        let lengths: Vec<u64> = self.bounded(pipeline.query_async(&mut connection)).await?;
        Ok(lengths.into_iter().sum())
    }

    /// Asks whether Redis is there. True is told once, by one of all replicas, when Redis has come back or has lost its
    /// data: everything that is not finished is due for publishing again. Call it every second or so.
    ///
    /// # Errors
    /// Redis refuses or is away.
    pub async fn probe(&self) -> Result<bool, PublishError> {
        let mut command = redis::cmd("SET");
        command.arg(MARKER).arg(1).arg("NX");
        let mut connection = self.redis.commands();
        let created: Option<String> = self.bounded(command.query_async(&mut connection)).await?;
        let came_back = self.away.swap(false, Ordering::SeqCst);
        Ok(came_back || created.is_some())
    }

    /// Takes the hints of some jobs off a destination's streams, whoever reads them at the moment; returns how many there
    /// were. `is_ours` is asked with a job and the publication that a hint belongs to.
    ///
    /// # Errors
    /// Redis refuses or is away.
    pub async fn withdraw(
        &self,
        destination: Destination,
        is_ours: impl Fn(&str, i64) -> bool,
    ) -> Result<u64, PublishError> {
        let mut removed = 0;
        for lane in Lane::ALL {
            let stream = destination.stream(lane);
            let mut command = redis::cmd("XRANGE");
            command.arg(&stream).arg("-").arg("+");
            let mut connection = self.redis.commands();
            let found: redis::Value = self.bounded(command.query_async(&mut connection)).await?;
            let ids: Vec<String> = reply::entries(found)
                .into_iter()
                .filter(|entry| {
                    JobHint::decode(&entry.fields).is_ok_and(|hint| is_ours(&hint.job, hint.generation))
                })
                .map(|entry| entry.id)
                .collect();
            if ids.is_empty() {
                continue;
            }
            let mut pipeline = redis::pipe();
            // A stream that has no group yet has nobody who could hold the entries.
            pipeline.xdel(&stream, &ids).xack(&stream, GROUP, &ids).ignore();
            pipeline.ignore_errors();
            let answers: Vec<RedisResult<u64>> = self.bounded(pipeline.query_async(&mut connection)).await?;
            match answers.into_iter().next() {
                Some(Ok(some)) => removed += some,
                Some(Err(error)) => return Err(refusal(error)),
                None => return Err(PublishError::Unavailable("no answer".to_owned())),
            }
        }
        Ok(removed)
    }

    /// Whether the last call found Redis away.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    async fn bounded<T>(&self, call: impl Future<Output = RedisResult<T>>) -> Result<T, PublishError> {
        let error = match timeout(TIMEOUT, call).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => {
                self.redis.failed(&error);
                refusal(error)
            }
            Err(_elapsed) => PublishError::Unavailable("timed out".to_owned()),
        };
        if !self.away.swap(true, Ordering::SeqCst) {
            tracing::warn!(%error, "redis cannot be published to");
        }
        Err(error)
    }
}

fn refusal(error: redis::RedisError) -> PublishError {
    match error.code() {
        Some(code) if !error.is_io_error() => PublishError::Refused(code.to_owned()),
        _ => PublishError::Unavailable(error.to_string()),
    }
}

//! Ends entries: acknowledged and deleted at once, since nothing else ever removes them.

use super::connection::{Redis, RedisError, is_stale};
use super::keys::GROUP;

/// Acknowledges entries. Clones share a connection.
#[derive(Clone)]
pub struct Acker {
    redis: Redis,
}

/// An entry of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    pub(super) stream: String,
    pub(super) id: String,
}

impl Acker {
    pub(super) fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Acknowledges and deletes entries, in one round trip; a lost connection is tried once more.
    ///
    /// # Errors
    /// Redis refuses or is away. The entries will be taken over, found to be done and acknowledged then.
    pub async fn ack(&self, entries: &[EntryId]) -> Result<(), RedisError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        let mut sorted: Vec<&EntryId> = entries.iter().collect();
        sorted.sort();
        for group in sorted.chunk_by(|a, b| a.stream == b.stream) {
            let Some(first) = group.first() else { continue };
            let ids: Vec<&str> = group.iter().map(|entry| entry.id.as_str()).collect();
            pipeline.xack(&first.stream, GROUP, &ids).ignore();
            pipeline.xdel(&first.stream, &ids).ignore();
        }
        let Err(error) = pipeline.query_async::<()>(&mut self.redis.commands()).await else {
            return Ok(());
        };
        self.redis.failed(&error);
        if !is_stale(&error) {
            return Err(error);
        }
        pipeline.query_async::<()>(&mut self.redis.commands()).await
    }
}

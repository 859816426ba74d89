//! Hints on Redis streams: something is due.
//!
//! Stored: per destination a stream for each lane and one for connection tasks, each with one consumer group. An entry
//! holds ids and trace context, never data of a lead.
//!
//! Moves: XADD → XREADGROUP → claim and report with leads-svc → XACK and XDEL. Nothing is ever trimmed.
//!
//! Must hold: Redis may lose, double or reorder entries, or bring old ones back; the database alone knows what is due.

mod acker;
mod connection;
mod consumer;
mod entry;
pub mod keys;
mod membership;
mod publisher;
mod reply;

pub use acker::{Acker, EntryId};
pub use connection::{Redis, RedisError};
pub use consumer::{Batch, Consumer, ConsumerSettings, Received};
pub use entry::{Body, Hint, JobHint, Malformed, TaskHint};
pub use keys::{Destination, Lane};
pub use publisher::{PublishError, Published, Publisher};

#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

//! Keeps a vendor's rate limit, per account and across all replicas.
//!
//! Stored: a bucket per account in Redis. Moves: every attempt of a vendor call takes one call out of it. Must hold: no
//! sliding window sees more calls than the vendor allows, also when Redis loses everything; without Redis replicas pace
//! themselves, they never run free.

mod account;
mod fallback;
mod limiter;
mod script;

pub use account::{Account, AccountLimits, Use};
pub use limiter::{Feedback, LiveReplicas, Permit, Quota, QuotaSettings, Verdict};

#[cfg(test)]
mod tests;

//! The connector against a simulated Salesforce and a real Redis.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod cli;
mod connect;
mod failures;
mod leads;
mod removals;
mod sessions;
mod support;
mod writes;

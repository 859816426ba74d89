//! The connector against a simulated HubSpot and a real Redis.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod cli;
mod connect;
mod failures;
mod golden;
mod linking;
mod removals;
mod support;
mod writes;

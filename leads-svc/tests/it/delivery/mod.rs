//! The delivery protocol, with the test in the part of the streams, the connector and the CRM.

mod backfill;
mod claims;
mod concurrency;
mod connections;
mod credentials;
mod dispatching;
mod gauges;
mod looks;
mod losses;
mod protocol;
mod publishing;
mod retries;
mod sessions;
mod sync;
mod verification;

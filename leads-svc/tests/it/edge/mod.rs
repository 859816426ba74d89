//! The edge as peers see it: real connections to a door in this process, well-behaved and not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests are tests, though they have no test attribute"
)]

pub mod client;
mod connections;
mod door;
mod framing;
mod openapi;
mod rest;
mod rest_input;
mod transport;
mod unread;
mod web;

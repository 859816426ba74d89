//! Ports for the processes under test.

use std::{collections::HashSet, net::TcpListener, sync::Mutex};

use anyhow::{Result, bail};
use rand::RngExt;

/// Below the ephemeral range: an outgoing connection never takes a port while its process restarts, and a client
/// that dials a closed port cannot end up connected to itself.
const RANGE: std::ops::Range<u16> = 18_000..32_000;

static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port of 127.0.0.1 that nobody listens on now and that this process has not been given before.
pub fn free_port() -> Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..1_000 {
        let port = rand::rng().random_range(RANGE);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && given.insert(port) {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", RANGE.start, RANGE.end)
}

//! When a CRM fails so often that its connection has to rest.
//!
//! Failures are counted in this process over the last minute; the rest itself is in the database, where publishing and
//! claiming see it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::storage::jobs::report::Health;

const WINDOW: Duration = Duration::from_secs(60);
const MIN_FAILURES: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(30);
const MAX_REST: Duration = Duration::from_secs(15 * 60);

/// Counts per connection.
#[derive(Debug, Default)]
pub struct Breaker {
    counts: Mutex<HashMap<Uuid, Counts>>,
}

#[derive(Debug)]
struct Counts {
    since: Instant,
    health: Health,
}

/// What to do with a connection after reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Leave,
    /// Let it rest.
    Rest(Duration),
    /// It works again.
    Heal,
}

impl Breaker {
    /// Takes in what reports said about a connection that has rested `trips` times in a row.
    pub fn observe(&self, connection: Uuid, seen: Health, trips: i32, now: Instant) -> Decision {
        if trips > 0 && seen.answered > 0 {
            self.forget(connection);
            return Decision::Heal;
        }
        if trips > 0 && seen.failed > 0 {
            return Decision::Rest(rest(trips));
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, counts| now.duration_since(counts.since) < WINDOW);
        let counts = counts.entry(connection).or_insert(Counts {
            since: now,
            health: Health::default(),
        });
        counts.health.answered += seen.answered;
        counts.health.failed += seen.failed;
        if counts.health.failed >= MIN_FAILURES && counts.health.failed >= counts.health.answered {
            counts.health = Health::default();
            return Decision::Rest(rest(trips));
        }
        Decision::Leave
    }

    fn forget(&self, connection: Uuid) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&connection);
    }
}

fn rest(trips: i32) -> Duration {
    FIRST_REST.saturating_mul(1 << trips.clamp(0, 10)).min(MAX_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Health = Health {
        answered: 0,
        failed: 1,
    };
    const ANSWERED: Health = Health {
        answered: 1,
        failed: 0,
    };

    #[test]
    fn rests_after_five_failures_that_are_half_of_the_calls() {
        let (breaker, connection, now) = (Breaker::default(), Uuid::from_u128(1), Instant::now());
        for _ in 0..4 {
            assert_eq!(breaker.observe(connection, FAILED, 0, now), Decision::Leave);
        }
        assert_eq!(
            breaker.observe(connection, FAILED, 0, now),
            Decision::Rest(FIRST_REST)
        );
        let busy = Uuid::from_u128(2);
        breaker.observe(
            busy,
            Health {
                answered: 100,
                failed: 0,
            },
            0,
            now,
        );
        for _ in 0..10 {
            assert_eq!(breaker.observe(busy, FAILED, 0, now), Decision::Leave);
        }
    }

    #[test]
    fn failures_of_an_older_minute_do_not_count() {
        let (breaker, connection, now) = (Breaker::default(), Uuid::from_u128(1), Instant::now());
        for _ in 0..4 {
            breaker.observe(connection, FAILED, 0, now);
        }
        assert_eq!(
            breaker.observe(connection, FAILED, 0, now + WINDOW),
            Decision::Leave
        );
    }

    #[test]
    fn a_half_open_connection_heals_or_rests_twice_as_long() {
        let (breaker, connection, now) = (Breaker::default(), Uuid::from_u128(1), Instant::now());
        assert_eq!(
            breaker.observe(connection, FAILED, 1, now),
            Decision::Rest(2 * FIRST_REST)
        );
        assert_eq!(
            breaker.observe(connection, FAILED, 30, now),
            Decision::Rest(MAX_REST)
        );
        assert_eq!(breaker.observe(connection, ANSWERED, 2, now), Decision::Heal);
    }
}

//! The one source of wall-clock time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// The system's clock plus an offset that all clones share.
///
/// The offset lets a process follow the clock of its database, and lets tests shift time. It is not monotonic: measure
/// durations with [`tokio::time::Instant`].
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    /// A clock without an offset.
    pub fn system() -> Self {
        Self::default()
    }

    /// The time, cut to microseconds: what Postgres keeps.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the system's time is read"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        let now = Utc::now().trunc_subsecs(6);
        now.checked_add_signed(self.offset()).unwrap_or(now)
    }

    /// Distance from the system's clock.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    /// Sets the distance from the system's clock for this clock and all its clones, cut to microseconds. An offset
    /// beyond 292,000 years is ignored.
    pub fn set_offset(&self, offset: TimeDelta) {
        if let Some(micros) = offset.num_microseconds() {
            self.offset_micros.store(micros, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_offset_and_times_have_whole_microseconds() {
        let clock = Clock::system();
        let clone = clock.clone();
        let before = clone.now();
        clock.set_offset(TimeDelta::hours(2));
        assert!(clone.now() - before >= TimeDelta::hours(2));
        assert_eq!(clone.now().timestamp_subsec_nanos() % 1_000, 0);
    }
}

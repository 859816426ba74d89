//! One time line per server: milliseconds since its start for limits and logs, and the wall time that belongs to them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};

/// Reads time as milliseconds since the server started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
    epoch_ms: i64,
}

impl Clock {
    pub fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self {
            origin: Instant::now(),
            epoch_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(0),
        }
    }

    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub fn wall_ms(&self, at_ms: u64) -> i64 {
        self.epoch_ms
            .saturating_add(i64::try_from(at_ms).unwrap_or(i64::MAX))
    }

    /// HubSpot's form of a time: UTC with milliseconds and `Z`.
    pub fn iso(&self, at_ms: u64) -> String {
        iso(self.wall_ms(at_ms))
    }

    /// Whole UTC days since 1970; the daily limit starts again when it changes.
    pub fn day(&self, at_ms: u64) -> i64 {
        self.wall_ms(at_ms).div_euclid(86_400_000)
    }
}

pub(super) fn iso(wall_ms: i64) -> String {
    DateTime::from_timestamp_millis(wall_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

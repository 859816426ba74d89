//! Timestamps and durations.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use prost_types::Timestamp;

use crate::domain::violation::Violations;

/// How far ahead of our clock a caller's may be.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A time as sent.
pub fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: at.timestamp_subsec_nanos().try_into().unwrap_or_default(),
    }
}

/// A time that was sent, cut to microseconds.
pub fn read(field: &str, at: Option<&Timestamp>, violations: &mut Violations) -> Option<DateTime<Utc>> {
    let at = at?;
    let valid =
        (-62_135_596_800..=253_402_300_799).contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos);
    let time = u32::try_from(at.nanos)
        .ok()
        .filter(|_| valid)
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos));
    if time.is_none() {
        violations.add(field, "is not a time between the years 1 and 9999");
    }
    time.map(|time| time.trunc_subsecs(6))
}

/// A time of something that has happened; `now` if it was not sent.
pub fn read_past(
    field: &str,
    at: Option<&Timestamp>,
    now: DateTime<Utc>,
    violations: &mut Violations,
) -> DateTime<Utc> {
    match read(field, at, violations) {
        None => now,
        Some(time) if time > now + AHEAD => {
            violations.add(field, "is more than 5 minutes ahead of the service's clock");
            now
        }
        Some(time) => time,
    }
}

/// A span of time as sent.
pub fn duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: span.as_secs().try_into().unwrap_or(i64::MAX),
        nanos: span.subsec_nanos().try_into().unwrap_or_default(),
    }
}

/// A span of time that was sent, checked.
pub fn read_span(
    field: &str,
    span: Option<&prost_types::Duration>,
    violations: &mut Violations,
) -> Option<Duration> {
    let read = read_duration(span);
    let is_broken =
        span.is_some_and(|span| span.nanos >= 1_000_000_000) || (span.is_some() && read.is_none());
    if is_broken {
        violations.add(field, "is not a span of time of 0 s or more");
    }
    read
}

/// A span of time that was sent; what is negative or broken counts as absent.
pub fn read_duration(span: Option<&prost_types::Duration>) -> Option<Duration> {
    let span = span?;
    Some(Duration::new(
        u64::try_from(span.seconds).ok()?,
        u32::try_from(span.nanos).ok()?,
    ))
}

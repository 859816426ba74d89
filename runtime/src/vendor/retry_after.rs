//! Reads `Retry-After`.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Longest pause that a vendor can ask for.
pub const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The pause that a `Retry-After` value asks for: seconds, fractions allowed, or an HTTP date. Negative numbers and
/// dates that have passed are zero, anything above [`LONGEST`] is cut to it, garbage is `None`.
pub fn parse(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return seconds
            .is_finite()
            .then(|| Duration::from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let pause = at.as_millisecond().saturating_sub(now.timestamp_millis());
    Some(Duration::from_millis(u64::try_from(pause).unwrap_or(0)).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_garbage() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        for (value, pause) in [
            ("0", Some(0.0)),
            (" 30 ", Some(30.0)),
            ("1.5", Some(1.5)),
            ("3600", Some(3600.0)),
            ("-5", Some(0.0)),
            ("99999999999999999999", Some(86_400.0)),
            ("Sun, 22 Nov 2026 10:01:30 GMT", Some(90.0)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(0.0)),
            ("Wed, 22 Nov 2028 10:00:00 GMT", Some(86_400.0)),
            ("soon", None),
            ("NaN", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(parse(value, now), pause.map(Duration::from_secs_f64), "{value}");
        }
    }
}

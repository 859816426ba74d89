//! How long a call may take: `grpc-timeout`, a default without it, and a cap.

use std::time::Duration;

use http::HeaderMap;
use leads_proto::reason::Reason;
use tokio::time::Instant;
use tonic::Status;

use super::limits::Limits;
use crate::grpc::status::refuse;

/// When the caller stops waiting; in the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Instant);

/// Digits that gRPC allows in a time-out.
const MAX_DIGITS: usize = 8;

/// Shorter time-outs have passed before a handler could run: timers count milliseconds.
const SHORTEST: Duration = Duration::from_millis(1);

/// The deadline of a call that starts now.
///
/// # Errors
/// `BAD_DEADLINE`, or `DEADLINE_EXCEEDED` for one below a millisecond.
pub fn read(headers: &HeaderMap, limits: &Limits) -> Result<Deadline, Status> {
    let mut values = headers.get_all("grpc-timeout").iter();
    let timeout = match (values.next(), values.next()) {
        (None, _) => limits.default_deadline,
        (Some(value), None) => parse(value.as_bytes()).ok_or_else(bad)?,
        (Some(_), Some(_)) => return Err(bad()),
    };
    if timeout < SHORTEST {
        return Err(exceeded());
    }
    Ok(Deadline(Instant::now() + timeout.min(limits.max_deadline)))
}

/// The refusal of a call whose time is up.
pub fn exceeded() -> Status {
    refuse(
        Reason::DeadlineExceeded,
        "the deadline passed before the call was done; it may have taken effect",
    )
}

fn bad() -> Status {
    refuse(
        Reason::BadDeadline,
        "the deadline must be 1 to 8 digits and a unit: H, M, S, m, u or n",
    )
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tonic::Code;

    use super::*;

    fn read_value(value: &'static str) -> Result<Duration, Code> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_static(value));
        let before = Instant::now();
        read(&headers, &Limits::default())
            .map(|deadline| deadline.0 - before)
            .map_err(|status| status.code())
    }

    #[test]
    fn every_unit_is_read() {
        for (value, seconds) in [
            ("1M", 60.0),
            ("3S", 3.0),
            ("1500m", 1.5),
            ("2000000u", 2.0),
            ("50000000n", 0.05),
        ] {
            let left = read_value(value).unwrap().as_secs_f64();
            assert!((left - seconds).abs() < 0.01, "{value} is {left}");
        }
    }

    #[test]
    fn malformed_deadlines_are_refused() {
        for value in [
            "abc",
            "-1S",
            "1",
            "123456789S",
            "",
            "S",
            "1.5S",
            "1 S",
            "1s",
            "+1S",
        ] {
            assert_eq!(read_value(value), Err(Code::InvalidArgument), "{value:?}");
        }
    }

    #[test]
    fn deadlines_below_the_timer_have_passed() {
        for value in ["0n", "1n", "0S", "999u"] {
            assert_eq!(read_value(value), Err(Code::DeadlineExceeded), "{value:?}");
        }
    }

    #[test]
    fn long_deadlines_are_capped_and_missing_ones_have_a_default() {
        assert!(read_value("99999999H").unwrap() <= Duration::from_millis(60_010));
        let left = read(&HeaderMap::new(), &Limits::default()).unwrap().0 - Instant::now();
        assert!(left <= Duration::from_secs(10) && left > Duration::from_secs(9));
    }
}

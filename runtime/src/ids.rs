//! Identifiers that sort by the time of their making.

use std::sync::{LazyLock, Mutex};

use uuid::timestamp::context::ContextV7;
use uuid::{Timestamp, Uuid};

use crate::clock::Clock;

static CONTEXT: LazyLock<Mutex<ContextV7>> = LazyLock::new(|| Mutex::new(ContextV7::new()));

/// A UUIDv7 of the clock's time. Within a process each id is greater than the one before, even if the clock is set
/// back. Times before 1970 count as 1970.
pub fn new_id(clock: &Clock) -> Uuid {
    let now = clock.now();
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(
        &*CONTEXT,
        seconds,
        now.timestamp_subsec_nanos(),
    ))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ids_rise_even_when_the_clock_is_set_back() {
        let clock = Clock::system();
        let mut last = new_id(&clock);
        for round in 0..10_000 {
            if round == 5_000 {
                clock.set_offset(TimeDelta::minutes(-10));
            }
            let id = new_id(&clock);
            assert!(id > last, "{id} is not above {last}");
            last = id;
        }
    }

    #[test]
    fn ids_hold_the_time_of_the_clock() {
        let clock = Clock::system();
        clock.set_offset(TimeDelta::days(400));
        let (seconds, _) = new_id(&clock).get_timestamp().unwrap().to_unix();
        assert!(seconds.abs_diff(clock.now().timestamp() as u64) <= 1);
    }
}

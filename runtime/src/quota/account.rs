//! A vendor account and how its limit is turned into a pace.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;

use crate::stream::Lane;

/// A vendor account whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// The vendor's id of the account or, before it is known, ours of the connection.
    pub id: String,
    /// What it allows.
    pub limits: AccountLimits,
}

/// What a vendor allows an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountLimits {
    /// Calls in any window.
    pub calls: u32,
    /// Length of the window.
    pub window: Duration,
    /// Calls a day; `None` is unlimited or unknown.
    pub daily: Option<u32>,
}

/// A limit as a bucket: calls leave at `interval` on average, and up to `burst` of them at once after a rest.
///
/// A window of length w holds at most `burst - 1 + ceil(w / interval)` calls, so with
/// `interval = (window + safety) / (calls - spare - burst + 1)` none holds more than `calls - spare`, even if calls that
/// were granted over `window + safety` reach the vendor within `window`. The spare calls tell us from others: by
/// ourselves we never see the vendor count less than these as left. A bucket whose state is lost starts beyond empty: the
/// first call waits for two intervals, which makes up for what was granted just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) interval: Duration,
    pub(super) burst: u32,
    /// Calls of a window that are never made.
    pub(super) spare: u32,
    /// Part of the burst that is left alone.
    pub(super) reserve: u32,
}

/// What a call is for, and so which part of the burst it may use. The order holds for all replicas, since the bucket is
/// theirs together: what is at work comes to its end before anything else is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The first call of work that is not begun yet.
    Begin,
    /// A call of work that is begun: its lease runs.
    GoOn,
}

impl Pace {
    /// What a call of this kind has to leave: the lower lanes one for the hot lane, and everybody one for what is begun.
    pub(super) fn leaving(self, lane: Lane, use_: Use) -> Self {
        let wanted = u32::from(use_ == Use::Begin) + u32::from(lane != Lane::Hot && self.burst > 2);
        let reserve = wanted.min(self.burst.saturating_sub(1));
        Self { reserve, ..self }
    }
}

impl AccountLimits {
    /// Limits as leads-svc keeps them; `None` if they make no sense.
    pub fn from_wire(limits: &wire::VendorLimits) -> Option<Self> {
        let window = Duration::try_from(limits.window?)
            .ok()
            .filter(|window| !window.is_zero())?;
        let calls = u32::try_from(limits.calls).ok().filter(|calls| *calls > 0)?;
        let daily = u32::try_from(limits.daily_calls).ok().filter(|calls| *calls > 0);
        Some(Self { calls, window, daily })
    }

    /// The pace that keeps the limit. For 100 calls and more 5 % of it at most are given up, of 60 calls 6 %, of 10 calls
    /// 21 %: for bursts (one call for work that is begun, one for the hot lane, the others make up for callers who come
    /// late) and for what is spare.
    pub(super) fn pace(&self, safety: Duration) -> Pace {
        let calls = self.calls.max(1);
        let burst = match calls {
            0..10 => 1,
            10..60 => 2,
            60..150 => 3,
            150.. => (calls / 60).max(4),
        };
        let spare = match calls {
            0..10 => 0,
            10..150 => 1,
            150.. => 2,
        };
        let interval = (self.window + safety) / (calls - spare - burst + 1);
        Pace {
            interval: interval.max(Duration::from_micros(1)),
            burst,
            spare,
            reserve: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_can_exceed_its_limit_and_little_is_wasted(calls in 1_u32..2_000, window_ms in 1_000_u64..60_000) {
            let window = Duration::from_millis(window_ms);
            let limits = AccountLimits { calls, window, daily: None };
            let pace = limits.pace(Duration::from_millis(100));
            let most = u128::from(pace.burst) - 1 + window.as_nanos().div_ceil(pace.interval.as_nanos());
            prop_assert!(most <= u128::from(calls), "{most} of {calls}");
            prop_assert!(calls < 10 || most < u128::from(calls), "{most} of {calls}");
            let used = window.as_nanos() as f64 / pace.interval.as_nanos() as f64;
            if window_ms >= 10_000 && calls >= 100 {
                prop_assert!(used >= 0.95 * f64::from(calls), "{used} of {calls}");
            }
        }
    }
}

//! HubSpot's quotas: a sliding 10 s window per app, a day per account, a sliding second for search.
//!
//! HubSpot documents the burst as a rolling 10 s interval and does not say whether refused calls count towards
//! it; here they do not (unconfirmed), but they do count in [`Limits::max_in_window`], so that a limiter which
//! leans on 429s is found out.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::options::PortalOptions;

/// Length of the burst window.
pub(super) const BURST_MS: u64 = 10_000;
const SEARCH_MS: u64 = 1_000;
const OAUTH_BURST: usize = 110;
/// Arrivals kept per app for analysis.
const ARRIVALS_KEPT: usize = 1_000_000;

/// Which quota a 429 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The burst of one app.
    TenSecondlyRolling,
    /// The day of the account.
    Daily,
    /// Search.
    Secondly,
}

impl Policy {
    pub(super) fn body(self, correlation: &str) -> Value {
        let (name, limit) = match self {
            Self::TenSecondlyRolling => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
            Self::Daily => ("DAILY", "daily"),
            Self::Secondly => ("SECONDLY", "secondly"),
        };
        json!({"status": "error", "message": format!("You have reached your {limit} limit."),
            "errorType": "RATE_LIMIT", "correlationId": correlation, "policyName": name,
            "requestId": correlation})
    }
}

/// What the rate-limit headers of one answer say; none of them belong on a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub max: usize,
    pub remaining: usize,
    /// Limit and rest of the day; none for OAuth apps.
    pub daily: Option<(u64, u64)>,
}

impl Standing {
    pub fn headers(&self) -> Vec<(&'static str, u64)> {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let secondly = count(self.max / 10);
        let mut headers = vec![
            ("x-hubspot-ratelimit-max", count(self.max)),
            ("x-hubspot-ratelimit-remaining", count(self.remaining)),
            ("x-hubspot-ratelimit-interval-milliseconds", BURST_MS),
            ("x-hubspot-ratelimit-secondly", secondly),
            (
                "x-hubspot-ratelimit-secondly-remaining",
                secondly.saturating_sub(1),
            ),
        ];
        if let Some((limit, left)) = self.daily {
            headers.push(("x-hubspot-ratelimit-daily", limit));
            headers.push(("x-hubspot-ratelimit-daily-remaining", left));
        }
        headers
    }
}

#[derive(Debug, Default)]
struct Window {
    accepted: VecDeque<u64>,
}

impl Window {
    fn used(&mut self, now: u64, length: u64) -> usize {
        while self
            .accepted
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= length)
        {
            self.accepted.pop_front();
        }
        self.accepted.len()
    }
}

#[derive(Debug, Default)]
struct App {
    window: Window,
    arrivals: VecDeque<u64>,
}

/// All counters of one portal.
#[derive(Debug)]
pub(super) struct Limits {
    pub burst: usize,
    pub daily: u64,
    pub per_second: usize,
    pub daily_used: u64,
    /// Calls answered 429 by these limits (not by a fault).
    pub refused: u64,
    day: i64,
    apps: BTreeMap<String, App>,
    search: App,
}

impl Limits {
    pub fn new(options: &PortalOptions) -> Self {
        Self {
            burst: options.burst.unwrap_or_else(|| options.tier.burst()),
            daily: options.daily_limit.unwrap_or_else(|| options.tier.daily()),
            per_second: options.search_per_second,
            daily_used: 0,
            refused: 0,
            day: i64::MIN,
            apps: BTreeMap::new(),
            search: App::default(),
        }
    }

    /// Counts a call that is not a search. The error is the quota that refuses it.
    pub fn take(&mut self, app: &str, oauth: bool, now: u64, day: i64) -> (Standing, Result<(), Policy>) {
        if day != self.day {
            self.day = day;
            self.daily_used = 0;
        }
        let max = if oauth { OAUTH_BURST } else { self.burst };
        if !self.apps.contains_key(app) {
            self.apps.insert(app.to_owned(), App::default());
        }
        let entry = self.apps.entry(app.to_owned()).or_default();
        remember(&mut entry.arrivals, now);
        let used = entry.window.used(now, BURST_MS);
        let verdict = if !oauth && self.daily_used >= self.daily {
            Err(Policy::Daily)
        } else if used >= max {
            Err(Policy::TenSecondlyRolling)
        } else {
            entry.window.accepted.push_back(now);
            self.daily_used += u64::from(!oauth);
            Ok(())
        };
        let used = entry.window.accepted.len();
        self.refused += u64::from(verdict.is_err());
        let daily = (!oauth).then(|| (self.daily, self.daily.saturating_sub(self.daily_used)));
        (
            Standing {
                max,
                remaining: max.saturating_sub(used),
                daily,
            },
            verdict,
        )
    }

    /// Counts a search.
    pub fn take_search(&mut self, now: u64) -> Result<(), Policy> {
        remember(&mut self.search.arrivals, now);
        if self.search.window.used(now, SEARCH_MS) >= self.per_second {
            self.refused += 1;
            return Err(Policy::Secondly);
        }
        self.search.window.accepted.push_back(now);
        Ok(())
    }

    /// Most calls of one app, searches aside and refused ones included, that arrived within any `length_ms`.
    pub fn max_in_window(&self, length_ms: u64) -> usize {
        self.apps
            .values()
            .map(|app| max_in(&app.arrivals, length_ms))
            .max()
            .unwrap_or(0)
    }

    /// The same for searches.
    pub fn max_searches_in_window(&self, length_ms: u64) -> usize {
        max_in(&self.search.arrivals, length_ms)
    }

    /// Sets the day's count.
    pub fn use_daily(&mut self, used: u64, day: i64) {
        self.day = day;
        self.daily_used = used;
    }

    /// Forgets what was counted, not the limits.
    pub fn reset(&mut self) {
        self.daily_used = 0;
        self.refused = 0;
        self.apps.clear();
        self.search = App::default();
    }
}

fn remember(arrivals: &mut VecDeque<u64>, now: u64) {
    if arrivals.len() >= ARRIVALS_KEPT {
        arrivals.pop_front();
    }
    arrivals.push_back(now);
}

fn max_in(arrivals: &VecDeque<u64>, length_ms: u64) -> usize {
    let mut window = VecDeque::new();
    let mut most = 0;
    for at in arrivals {
        window.push_back(*at);
        while window
            .front()
            .is_some_and(|first| at.saturating_sub(*first) >= length_ms)
        {
            window.pop_front();
        }
        most = most.max(window.len());
    }
    most
}

#[cfg(test)]
mod tests {
    use super::{Limits, Policy};
    use crate::fakes::hubspot::options::PortalOptions;

    #[test]
    fn the_burst_window_slides_instead_of_restarting() {
        let mut limits = Limits::new(&PortalOptions::new(1).burst(3));
        for at in [0, 9_000, 9_500] {
            assert!(limits.take("a", false, at, 0).1.is_ok(), "{at}");
        }
        assert_eq!(
            limits.take("a", false, 9_999, 0).1,
            Err(Policy::TenSecondlyRolling)
        );
        assert!(
            limits.take("a", false, 10_000, 0).1.is_ok(),
            "the call of 0 ms has left the window"
        );
        assert_eq!(
            limits.take("a", false, 10_001, 0).1,
            Err(Policy::TenSecondlyRolling)
        );
        assert_eq!((limits.max_in_window(10_000), limits.refused), (5, 2));
    }

    #[test]
    fn apps_have_their_own_burst_and_share_the_day() {
        let mut options = PortalOptions::new(1).burst(1);
        options.daily_limit = Some(2);
        let mut limits = Limits::new(&options);
        assert!(limits.take("a", false, 0, 0).1.is_ok());
        assert!(limits.take("b", false, 0, 0).1.is_ok());
        assert_eq!(limits.take("c", false, 0, 0).1, Err(Policy::Daily));
        assert!(
            limits.take("c", false, 0, 1).1.is_ok(),
            "the next day begins anew"
        );
    }

    #[test]
    fn an_oauth_app_has_110_calls_and_no_daily_header() {
        let mut limits = Limits::new(&PortalOptions::new(1).burst(1));
        let (standing, _) = limits.take("market", true, 0, 0);
        assert_eq!(
            (standing.max, standing.remaining, standing.daily),
            (110, 109, None)
        );
    }

    #[test]
    fn search_counts_apart_from_the_burst() {
        let mut limits = Limits::new(&PortalOptions::new(1));
        for _ in 0..5 {
            assert!(limits.take_search(0).is_ok());
        }
        assert_eq!(limits.take_search(999), Err(Policy::Secondly));
        assert!(limits.take_search(1_000).is_ok());
        assert_eq!(
            (limits.max_in_window(10_000), limits.max_searches_in_window(1_000)),
            (0, 6)
        );
    }
}

//! HubSpot's quotas: as documented, and as the headers of an answer say them.
//!
//! The burst is per app and rolls; the day is shared by all private apps of an account and starts at midnight in the
//! account's own time zone, which a caller cannot see. (developers.hubspot.com, usage guidelines.)

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use leads_proto::leads::connector::v1::VendorLimits;
use leads_runtime::quota::{AccountLimits, Feedback};
use leads_runtime::vendor::{VendorResponse, retry_after};

use crate::errors::{Fault, Kind};

/// Length of HubSpot's burst window.
pub const BURST_WINDOW: Duration = Duration::from_secs(10);
/// What every account and app has, whatever its subscription: holds until `connect` has seen the account's headers.
pub const SMALLEST: AccountLimits = AccountLimits {
    calls: 100,
    window: BURST_WINDOW,
    daily: None,
};
/// Rest of the account's quota when its day is used up; leads-svc rests the connection for longer.
const DAY_IS_OVER: Duration = Duration::from_secs(60);
/// What an answer's headers say. A header that is missing or no number is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls in the window.
    pub max: Option<u32>,
    /// Calls left in the window.
    pub remaining: Option<u32>,
    /// The window.
    pub window: Option<Duration>,
    /// Calls a day; missing for marketplace apps, which have no daily limit.
    pub daily: Option<u32>,
    /// Calls left today.
    pub daily_remaining: Option<u32>,
}

impl Seen {
    /// Reads the headers.
    pub fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
        Self {
            max: number("x-hubspot-ratelimit-max").filter(|max| *max > 0),
            remaining: number("x-hubspot-ratelimit-remaining"),
            window: number("x-hubspot-ratelimit-interval-milliseconds")
                .filter(|window| *window > 0)
                .map(|window| Duration::from_millis(u64::from(window))),
            daily: number("x-hubspot-ratelimit-daily"),
            daily_remaining: number("x-hubspot-ratelimit-daily-remaining"),
        }
    }

    /// The account's limits; `None` if the answer did not name its burst.
    pub fn limits(&self) -> Option<VendorLimits> {
        let window = self.window.unwrap_or(BURST_WINDOW);
        Some(VendorLimits {
            calls: i32::try_from(self.max?).unwrap_or(i32::MAX),
            window: prost_types::Duration::try_from(window).ok(),
            daily_calls: self
                .daily
                .map_or(0, |daily| i32::try_from(daily).unwrap_or(i32::MAX)),
        })
    }
}

/// What an answer says about the account's quota. A 429 means that one call was too many: HubSpot documents no pause
/// for it, so it is the window that was named.
pub fn feedback(response: &VendorResponse, now: DateTime<Utc>) -> Feedback {
    let seen = Seen::read(&response.headers);
    let pause = (response.status == http::StatusCode::TOO_MANY_REQUESTS).then(|| {
        let wish = wanted_pause(response, now);
        let fault = Fault::of_call(response.status.as_u16(), wish, &response.body);
        wish.unwrap_or(match fault.kind {
            Kind::SecondLimit => Duration::from_secs(1),
            Kind::DailyLimit => DAY_IS_OVER,
            _ => seen.window.unwrap_or(BURST_WINDOW),
        })
    });
    Feedback {
        remaining: seen.remaining,
        daily_remaining: seen.daily_remaining,
        pause,
    }
}

/// `Retry-After`, which HubSpot documents for 477 alone, in seconds.
pub fn wanted_pause(response: &VendorResponse, now: DateTime<Utc>) -> Option<Duration> {
    response
        .header("retry-after")
        .and_then(|value| retry_after::parse(value, now))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_private_app_says_burst_and_day() {
        let seen = Seen::read(&headers(&[
            ("X-HubSpot-RateLimit-Max", "190"),
            ("X-HubSpot-RateLimit-Remaining", "12"),
            ("X-HubSpot-RateLimit-Interval-Milliseconds", "10000"),
            ("X-HubSpot-RateLimit-Daily", "625000"),
            ("X-HubSpot-RateLimit-Daily-Remaining", "0"),
        ]));
        assert_eq!(seen.remaining, Some(12));
        assert_eq!(seen.daily_remaining, Some(0));
        let limits = seen.limits().unwrap();
        assert_eq!((limits.calls, limits.daily_calls), (190, 625_000));
        assert_eq!(limits.window.unwrap().seconds, 10);
    }

    #[test]
    fn a_marketplace_app_has_no_daily_limit() {
        let seen = Seen::read(&headers(&[("X-HubSpot-RateLimit-Max", "110")]));
        assert_eq!(seen.limits().unwrap().daily_calls, 0);
    }

    #[test]
    fn headers_that_are_missing_or_garbage_say_nothing() {
        for pairs in [
            &[][..],
            &[("X-HubSpot-RateLimit-Max", "many")],
            &[("X-HubSpot-RateLimit-Max", "0")],
        ] {
            assert_eq!(Seen::read(&headers(pairs)).limits(), None);
        }
    }

    #[test]
    fn a_refused_call_pauses_the_account_for_the_window_that_was_named() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let pause = |status: u16, pairs: &[(&'static str, &'static str)], body: &'static str| {
            let status = http::StatusCode::from_u16(status).unwrap();
            feedback(
                &VendorResponse {
                    status,
                    headers: headers(pairs),
                    body: body.into(),
                },
                now,
            )
            .pause
        };
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(
            pause(429, &[], r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#),
            seconds(10)
        );
        assert_eq!(pause(429, &[], r#"{"policyName":"SECONDLY"}"#), seconds(1));
        assert_eq!(pause(429, &[], r#"{"policyName":"DAILY"}"#), seconds(60));
        assert_eq!(pause(429, &[("retry-after", "3")], ""), seconds(3));
        assert_eq!(pause(503, &[("retry-after", "3")], ""), None);
    }
}

//! Salesforce's quota: calls of a rolling day, the whole org's, which the header of nearly every answer counts.

use std::time::Duration;

use http::HeaderMap;
use leads_proto::leads::connector::v1::VendorLimits;
use leads_runtime::quota::{AccountLimits, Feedback};
use leads_runtime::vendor::VendorResponse;

use crate::api::Rules;
use crate::errors::{Fault, Kind};

/// Rest of the org's quota when its day is used up; leads-svc rests the connection for longer.
const DAY_IS_OVER: Duration = Duration::from_secs(60);
/// Rest when too many long calls run.
const CROWDED: Duration = Duration::from_secs(5);

/// What `Sforce-Limit-Info` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls of the last 24 hours.
    pub used: u32,
    /// Most of them.
    pub max: u32,
}

impl Usage {
    /// Reads `api-usage=10018/100000`, whatever stands beside it.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get("sforce-limit-info")?.to_str().ok()?;
        let usage = text
            .split([';', ','])
            .find_map(|part| part.trim().strip_prefix("api-usage="))?;
        let (used, max) = usage.split_once('/')?;
        Some(Self {
            used: used.trim().parse().ok()?,
            max: max.trim().parse().ok().filter(|max| *max > 0)?,
        })
    }
}

impl Rules {
    /// What an org allows that has not told its day yet.
    pub const fn limits(&self) -> AccountLimits {
        AccountLimits {
            calls: self.calls_per_second,
            window: Duration::from_secs(1),
            daily: None,
        }
    }

    /// The same for leads-svc, with the day that an answer named.
    pub fn limits_seen(&self, usage: Option<Usage>) -> VendorLimits {
        VendorLimits {
            calls: i32::try_from(self.calls_per_second).unwrap_or(i32::MAX),
            window: prost_types::Duration::try_from(Duration::from_secs(1)).ok(),
            daily_calls: usage.map_or(0, |usage| i32::try_from(usage.max).unwrap_or(i32::MAX)),
        }
    }
}

/// What an answer says about the org's quota.
pub fn feedback(response: &VendorResponse) -> Feedback {
    let usage = Usage::read(&response.headers);
    let pause = (response.status == http::StatusCode::FORBIDDEN)
        .then(|| Fault::of_call(response.status.as_u16(), &response.body).kind)
        .and_then(|kind| match kind {
            Kind::DailyLimit => Some(DAY_IS_OVER),
            Kind::ConcurrentLimit => Some(CROWDED),
            _ => None,
        });
    Feedback {
        remaining: None,
        daily_remaining: usage.map(|usage| usage.max.saturating_sub(usage.used)),
        pause,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_usage_is_read_by_its_name() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("Sforce-Limit-Info", HeaderValue::from_static(text));
            Usage::read(&headers)
        };
        let usage = |used, max| Some(Usage { used, max });
        assert_eq!(read("api-usage=10018/100000"), usage(10_018, 100_000));
        assert_eq!(
            read("per-app-api-usage=17/250(appName=x); api-usage=1/2"),
            usage(1, 2)
        );
        assert_eq!(read("api-bursts=1/750"), None);
        assert_eq!(read("api-usage=many/0"), None);
        assert_eq!(Usage::read(&HeaderMap::new()), None);
    }
}

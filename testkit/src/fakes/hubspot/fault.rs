//! One scripted misbehaviour: whether the store is touched, and what is answered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::Policy;
use super::route::Route;

/// Names a fault for clearing it.
pub type FaultId = u64;

/// What the client gets instead of the real answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The real answer.
    #[default]
    Real,
    /// A status; without `body` the one HubSpot documents for it (401, 403, 423, 429, 477, 5xx).
    Status {
        /// HTTP status, also unregistered ones such as 477.
        status: u16,
        /// Extra headers, for example `retry-after`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Replaces the documented body.
        #[serde(default)]
        body: Option<String>,
        /// Content type of `body`; JSON if absent.
        #[serde(default)]
        content_type: Option<String>,
    },
    /// 429 of one of HubSpot's quotas.
    RateLimited {
        /// The quota it names.
        policy: Policy,
        /// Adds the header that HubSpot does not document for 429.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// 2xx, JSON content type, text that is not JSON.
    GarbageJson,
    /// The real or a 200 status with no body at all.
    Empty,
    /// The real body labelled `text/plain`.
    WrongContentType,
    /// 302 to this location.
    Redirect(String),
    /// A 200 with this many bytes of one JSON string.
    HugeBody(u64),
    /// A 200 whose body never ends and never pauses.
    EndlessBody,
    /// Headers and half of the body, then silence.
    StalledBody,
    /// No answer while the connection lives.
    Hang,
    /// The connection is closed without an answer.
    Cut,
}

/// Whether the request does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// Not at all.
    Skip,
    /// As it should.
    Once,
    /// Twice in a row; a real answer is that of the second time.
    Twice,
    /// Only after so many milliseconds, whatever was answered before.
    LateMs(u64),
}

/// One scripted fault. As JSON every field but `answer` or `latency_ms` can be left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Only this portal; none for all, and for requests without a valid credential.
    pub portal: Option<u64>,
    /// Only this operation.
    pub route: Option<Route>,
    /// Lets so many matching requests pass first.
    pub skip: u64,
    /// Ends after so many requests; none lasts until cleared (an outage).
    pub times: Option<u64>,
    /// Delay before anything is done.
    pub latency_ms: u64,
    /// Up to so much more, at random.
    pub jitter_ms: u64,
    /// None: once for a real answer, else not at all.
    pub apply: Option<Apply>,
    /// What the client sees.
    pub answer: Answer,
}

impl Fault {
    /// Answers without applying.
    pub fn answer(answer: Answer) -> Self {
        Self {
            answer,
            ..Self::default()
        }
    }

    /// Answers a status with its documented body.
    pub fn status(status: u16) -> Self {
        let (headers, body, content_type) = (BTreeMap::new(), None, None);
        Self::answer(Answer::Status {
            status,
            headers,
            body,
            content_type,
        })
    }

    /// 477, a data-centre migration; HubSpot sends Retry-After in seconds.
    pub fn migration(retry_after_s: u64) -> Self {
        let headers = BTreeMap::from([("retry-after".to_owned(), retry_after_s.to_string())]);
        Self::answer(Answer::Status {
            status: 477,
            headers,
            body: None,
            content_type: None,
        })
    }

    /// 429 of a quota.
    pub fn rate_limited(policy: Policy, retry_after_s: Option<u64>) -> Self {
        Self::answer(Answer::RateLimited {
            policy,
            retry_after_s,
        })
    }

    /// Slow, but otherwise real. Combines with other faults.
    pub fn latency(fixed: Duration, jitter: Duration) -> Self {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            latency_ms: ms(fixed),
            jitter_ms: ms(jitter),
            ..Self::default()
        }
    }

    /// Never answers, applies nothing.
    pub fn hang() -> Self {
        Self::answer(Answer::Hang)
    }

    /// Does the work, then closes the connection without an answer.
    pub fn apply_then_cut() -> Self {
        Self::answer(Answer::Cut).apply(Apply::Once)
    }

    /// Closes the connection at once and does the work later.
    pub fn apply_late(delay: Duration) -> Self {
        Self::answer(Answer::Cut).apply(Apply::LateMs(
            u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        ))
    }

    /// Does the work twice.
    pub fn apply_twice() -> Self {
        Self::default().apply(Apply::Twice)
    }

    /// Sets whether the work is done.
    #[must_use]
    pub fn apply(mut self, apply: Apply) -> Self {
        self.apply = Some(apply);
        self
    }

    /// Limits the fault to a portal.
    #[must_use]
    pub fn portal(mut self, portal: u64) -> Self {
        self.portal = Some(portal);
        self
    }

    /// Limits the fault to an operation.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Ends the fault after so many requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    pub(super) fn is_only_latency(&self) -> bool {
        self.answer == Answer::Real && matches!(self.apply, None | Some(Apply::Once))
    }

    /// A late application has no real answer to give.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let late = matches!(self.apply, Some(Apply::LateMs(_)));
        let needs_reply = matches!(
            self.answer,
            Answer::Real | Answer::WrongContentType | Answer::StalledBody
        );
        if late && needs_reply {
            Err("late_ms needs an answer that does not depend on the work")
        } else {
            Ok(())
        }
    }
}

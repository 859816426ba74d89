//! Scripted misbehaviour: whether the org is touched, and what is answered.

use serde::{Deserialize, Serialize};

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
    /// A status with a body of JSON; without `body` an error as Salesforce words one.
    Status {
        /// HTTP status.
        status: u16,
        /// Replaces the body.
        #[serde(default)]
        body: Option<String>,
    },
    /// A page, as maintenance and gateways answer.
    Html(u16),
    /// 403: the calls of 24 hours are used up.
    DailyLimit,
    /// 403: too many long calls run.
    ConcurrentLimit,
    /// 401: the session has ended.
    InvalidSession,
    /// Some records are refused, the others are carried out.
    Rows {
        /// `statusCode`, such as `UNABLE_TO_LOCK_ROW`.
        code: String,
        /// Words for people.
        message: String,
        /// Fields at fault.
        #[serde(default)]
        fields: Vec<String>,
        /// External ids, or ids where there are none; empty for all.
        #[serde(default)]
        keys: Vec<String>,
    },
    /// An answer that lacks its last records.
    MissingRows,
    /// 200 with text that is no JSON.
    GarbageJson,
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

/// One scripted fault. As JSON every field can be left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Only this resource.
    pub route: Option<Route>,
    /// Lets so many matching requests pass first.
    pub skip: u64,
    /// Ends after so many requests; none lasts until cleared (an outage).
    pub times: Option<u64>,
    /// Delay before anything is done.
    pub latency_ms: u64,
    /// None: once for an answer that depends on the work, else not at all.
    pub apply: Option<Apply>,
    /// What the client sees.
    pub answer: Answer,
}

impl Fault {
    /// Answers without applying, unless the answer depends on the work.
    pub fn answer(answer: Answer) -> Self {
        Self {
            answer,
            ..Self::default()
        }
    }

    /// Answers a status.
    pub fn status(status: u16) -> Self {
        Self::answer(Answer::Status { status, body: None })
    }

    /// Refuses the records of these keys; all if there are none.
    pub fn rows(code: &str, message: &str, keys: &[&str]) -> Self {
        Self::answer(Answer::Rows {
            code: code.to_owned(),
            message: message.to_owned(),
            fields: Vec::new(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        })
    }

    /// Does the work, then closes the connection without an answer.
    pub fn apply_then_cut() -> Self {
        Self::answer(Answer::Cut).apply(Apply::Once)
    }

    /// Does the work twice.
    pub fn apply_twice() -> Self {
        Self::default().apply(Apply::Twice)
    }

    /// Slow, but otherwise real.
    pub fn latency_ms(latency_ms: u64) -> Self {
        Self {
            latency_ms,
            ..Self::default()
        }
    }

    /// Sets whether the work is done.
    #[must_use]
    pub fn apply(mut self, apply: Apply) -> Self {
        self.apply = Some(apply);
        self
    }

    /// Limits the fault to a resource.
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

    /// What is done with a request that the fault meets.
    pub(super) fn effect(&self) -> Apply {
        let needs_work = matches!(
            self.answer,
            Answer::Real | Answer::Rows { .. } | Answer::MissingRows
        );
        self.apply
            .unwrap_or(if needs_work { Apply::Once } else { Apply::Skip })
    }
}

/// The script of a server in the order it was written; the first match decides.
#[derive(Debug, Default)]
pub(super) struct Script {
    entries: Vec<Entry>,
    last_id: FaultId,
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    fault: Fault,
    seen: u64,
    hits: u64,
}

impl Script {
    pub(super) fn add(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        self.entries.push(Entry {
            id: self.last_id,
            fault,
            seen: 0,
            hits: 0,
        });
        self.last_id
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The fault that meets a request, and how often each has so far.
    pub(super) fn meet(&mut self, route: Route) -> Option<(FaultId, Fault)> {
        for entry in &mut self.entries {
            let spent = entry.fault.times.is_some_and(|times| entry.hits >= times);
            if spent || entry.fault.route.is_some_and(|only| only != route) {
                continue;
            }
            entry.seen += 1;
            if entry.seen > entry.fault.skip {
                entry.hits += 1;
                return Some((entry.id, entry.fault.clone()));
            }
        }
        None
    }

    /// Each fault with the requests it has met.
    pub(super) fn list(&self) -> Vec<(FaultId, u64, Fault)> {
        let of = |entry: &Entry| (entry.id, entry.hits, entry.fault.clone());
        self.entries.iter().map(of).collect()
    }
}

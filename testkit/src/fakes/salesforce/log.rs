//! The bounded request log: what arrived, when, and what became of each record.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fault::FaultId;
use super::route::Route;

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It went to the recycle bin.
    Deleted,
    /// It was read.
    Found,
    /// Nothing has that id.
    Missing,
    /// It was refused.
    Refused,
}

/// One record of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The external id if the record names one, else the record's id; empty for new ones.
    pub key: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The record it concerns.
    pub id: Option<String>,
}

/// One request. Bodies, queries and tokens are not kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestEntry {
    /// Order of arrival, from 1.
    pub seq: u64,
    /// Milliseconds since the server started.
    pub at_ms: u64,
    /// App of the token; none without a valid one.
    pub client_id: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Resource.
    pub route: Route,
    /// Status sent; 0 if there was no answer.
    pub status: u16,
    /// W3C trace context as sent.
    pub traceparent: Option<String>,
    /// `Sforce-Auto-Assign` as sent.
    pub auto_assign: Option<String>,
    /// The fault that decided the answer.
    pub fault: Option<FaultId>,
    /// Per record, in the request's order; of the last application if there were several.
    pub rows: Vec<Row>,
    /// How often the request was carried out: 0, 1 or 2. A refusal counts as carried out.
    pub applied: u8,
}

/// Selects log entries; the default selects all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestFilter {
    /// Only this resource.
    pub route: Option<Route>,
    /// Only this status.
    pub status: Option<u16>,
    /// Only entries after this `seq`.
    pub after: Option<u64>,
    /// Only requests with a record of this key.
    pub key: Option<String>,
}

impl RequestFilter {
    fn admits(&self, entry: &RequestEntry) -> bool {
        self.route.is_none_or(|route| entry.route == route)
            && self.status.is_none_or(|status| entry.status == status)
            && self.after.is_none_or(|seq| entry.seq > seq)
            && self
                .key
                .as_ref()
                .is_none_or(|key| entry.rows.iter().any(|row| row.key == *key))
    }
}

/// The newest `capacity` requests, in the order in which they were finished.
#[derive(Debug)]
pub(super) struct Log {
    entries: VecDeque<RequestEntry>,
    capacity: usize,
}

impl Log {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    pub(super) fn push(&mut self, entry: RequestEntry) {
        while self.entries.len() >= self.capacity {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Adds what a late application did.
    pub(super) fn amend(&mut self, seq: u64, rows: Vec<Row>) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.seq == seq) {
            entry.rows = rows;
            entry.applied += 1;
        }
    }

    /// Oldest first.
    pub(super) fn select(&self, filter: &RequestFilter) -> Vec<RequestEntry> {
        self.entries
            .iter()
            .filter(|entry| filter.admits(entry))
            .cloned()
            .collect()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

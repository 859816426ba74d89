//! The bounded request log: what arrived, when, and what became of each input.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fault::FaultId;
use super::route::Route;

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A contact was made.
    Created,
    /// A contact was changed.
    Updated,
    /// A contact was read.
    Found,
    /// Nothing has that id.
    Missing,
    /// The input itself was refused.
    Invalid,
    /// Its address belongs to another contact.
    Conflict,
    /// The contact went to the recycle bin.
    Archived,
    /// Nothing, because the whole request was refused.
    Untouched,
}

/// One input of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The value of the custom unique property (our lead id) if the input names one, else the id as sent.
    pub key: String,
    /// `objectWriteTraceId` as sent.
    pub trace_id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// The record it concerns.
    pub contact_id: Option<u64>,
}

/// One request. Bodies and tokens are not kept; addresses vanish from keys when their contact is erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestEntry {
    /// Order of arrival, from 1.
    pub seq: u64,
    /// Milliseconds since the server started.
    pub at_ms: u64,
    /// Time until the answer was ready, in microseconds.
    pub took_us: u64,
    /// None without a valid credential.
    pub portal: Option<u64>,
    /// App of the token.
    pub app: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Operation.
    pub route: Route,
    /// Path without query; the record id or address is replaced by `{id}`.
    pub path: String,
    /// Status sent; 0 if there was no answer.
    pub status: u16,
    /// Length of `inputs`; 0 for calls without.
    pub inputs: usize,
    /// W3C trace context as sent.
    pub traceparent: Option<String>,
    /// The fault that decided the answer.
    pub fault: Option<FaultId>,
    /// Per input, in input order; of the last application if there were several.
    pub rows: Vec<Row>,
    /// How often the request was carried out: 0, 1 or 2. A refusal by the handler counts as carried out.
    pub applied: u8,
}

/// Selects log entries; the default selects all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestFilter {
    /// Only this portal.
    pub portal: Option<u64>,
    /// Only this operation.
    pub route: Option<Route>,
    /// Only this status.
    pub status: Option<u16>,
    /// Only entries after this `seq`.
    pub after: Option<u64>,
    /// Only requests with an input of this key.
    pub key: Option<String>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl RequestFilter {
    fn admits(&self, entry: &RequestEntry) -> bool {
        self.portal.is_none_or(|portal| entry.portal == Some(portal))
            && self.route.is_none_or(|route| entry.route == route)
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
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
        }
    }

    pub fn push(&mut self, entry: RequestEntry) {
        while self.entries.len() >= self.capacity.max(1) {
            self.entries.pop_front();
        }
        if self.capacity > 0 {
            self.entries.push_back(entry);
        }
    }

    /// Adds what a late application did.
    pub fn amend(&mut self, seq: u64, rows: Vec<Row>) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.seq == seq) {
            entry.inputs = rows.len();
            entry.rows = rows;
            entry.applied += 1;
        }
    }

    /// Oldest first.
    pub fn select(&self, filter: &RequestFilter) -> Vec<RequestEntry> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let newest = self
            .entries
            .iter()
            .rev()
            .filter(|entry| filter.admits(entry))
            .take(limit);
        let mut found: Vec<RequestEntry> = newest.cloned().collect();
        found.reverse();
        found
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Removes an erased person's addresses.
    pub fn forget(&mut self, portal: u64, erased: &[String]) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.portal == Some(portal))
        {
            let named = |key: &str| erased.iter().any(|address| address.eq_ignore_ascii_case(key));
            for row in entry.rows.iter_mut().filter(|row| named(&row.key)) {
                row.key = "(erased)".to_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, Outcome, RequestEntry, RequestFilter, Row};
    use crate::fakes::hubspot::route::Route;

    fn entry(seq: u64, key: &str) -> RequestEntry {
        let row = Row {
            key: key.into(),
            trace_id: None,
            outcome: Outcome::Created,
            contact_id: Some(1),
        };
        RequestEntry {
            seq,
            at_ms: seq,
            took_us: 1,
            portal: Some(1),
            app: None,
            method: "POST".into(),
            route: Route::BatchUpsert,
            path: String::new(),
            status: 200,
            inputs: 1,
            traceparent: None,
            fault: None,
            rows: vec![row],
            applied: 1,
        }
    }

    #[test]
    fn the_log_is_bounded_and_selects_the_newest() {
        let mut log = Log::new(3);
        (1..=5).for_each(|seq| log.push(entry(seq, "lead")));
        assert_eq!(log.len(), 3);
        let newest = log.select(&RequestFilter {
            limit: Some(2),
            ..RequestFilter::default()
        });
        assert_eq!(newest.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn an_erased_address_leaves_the_log() {
        let mut log = Log::new(3);
        log.push(entry(1, "ann@example.org"));
        log.forget(1, &["ann@example.org".to_owned()]);
        assert_eq!(log.select(&RequestFilter::default())[0].rows[0].key, "(erased)");
    }
}

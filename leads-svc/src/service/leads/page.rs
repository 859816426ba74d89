//! Pages of lists: where they go on, and how much of them fits into an answer.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::service::{core::Facts, error::Result, page_token};

/// Bytes of free text in one page, so that an answer stays below what callers accept.
const PAGE_BYTES: usize = 2 * 1_024 * 1_024;

/// A page of something.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Token of the next page; empty on the last.
    pub next: String,
}

impl<T> Page<T> {
    pub(in crate::service) fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(show).collect(),
            next: self.next,
        }
    }
}

/// A list as one call asks for it: its page tokens belong to the method, to what is listed and to the size.
pub(in crate::service) struct List<'a> {
    facts: &'a Facts,
    method: &'static str,
    bound: String,
    size: u64,
    now: DateTime<Utc>,
}

impl<'a> List<'a> {
    pub(in crate::service) fn new(
        facts: &'a Facts,
        method: &'static str,
        what: &impl std::fmt::Debug,
        size: u64,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            facts,
            method,
            bound: format!("{what:?} {size}"),
            size,
            now,
        }
    }

    /// Where the list goes on; `None` at its start.
    pub(in crate::service) fn cursor<C: DeserializeOwned>(&self, token: &str) -> Result<Option<C>> {
        page_token::read(&self.facts.keys, self.method, &self.bound, token, self.now)
    }

    /// Rows to read: one more than are shown, to see whether there is a next page.
    pub(in crate::service) fn rows(&self) -> u64 {
        self.size + 1
    }

    /// As many of the rows as were asked for, fewer if their texts are long, at least one.
    pub(in crate::service) fn page<T, C: Serialize>(
        &self,
        mut rows: Vec<T>,
        bytes: impl Fn(&T) -> usize,
        cursor: impl Fn(&T) -> C,
    ) -> Result<Page<T>> {
        let read = rows.len();
        let mut sum = 0_usize;
        let fitting = rows.iter().take_while(|row| {
            sum = sum.saturating_add(bytes(row));
            sum <= PAGE_BYTES
        });
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        rows.truncate(fitting.count().max(1).min(size));
        let next = match rows.last() {
            Some(last) if rows.len() < read => {
                page_token::issue(&self.facts.keys, self.method, &self.bound, cursor(last), self.now)?
            }
            _ => String::new(),
        };
        Ok(Page { items: rows, next })
    }
}

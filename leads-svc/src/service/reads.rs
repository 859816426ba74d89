//! Who read how much personal data: counted in memory, written down by housekeeping.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    core::{Core, Facts},
    error::Result,
    principal::Principal,
};
use crate::storage::audit::Reads;

type Key = (Uuid, DateTime<Utc>, String, &'static str);

/// Reads that are not written down yet, per workspace, minute, caller and method. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadLog(Arc<Mutex<HashMap<Key, i64>>>);

impl Core {
    /// Counts the leads that a caller was shown.
    pub(super) fn note_read(&self, principal: &Principal, facts: &Facts, method: &'static str, leads: usize) {
        let now = self.store.clock().now();
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        let key = (facts.workspace.id, minute, principal.actor(), method);
        let mut reads = self.reads.0.lock().unwrap_or_else(PoisonError::into_inner);
        *reads.entry(key).or_default() += i64::try_from(leads).unwrap_or(i64::MAX);
    }

    /// Writes down what was counted. What could not be written is kept for the next time.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn note_reads(&self) -> Result<()> {
        let counted = std::mem::take(&mut *self.reads.0.lock().unwrap_or_else(PoisonError::into_inner));
        let reads: Vec<Reads> = counted
            .into_iter()
            .filter(|(_, leads)| *leads > 0)
            .map(|((workspace, minute, actor, method), leads)| Reads {
                workspace,
                minute,
                actor,
                method,
                leads,
            })
            .collect();
        if reads.is_empty() {
            return Ok(());
        }
        let written = self.store.note_reads(&reads).await;
        if written.is_err() {
            let mut counted = self.reads.0.lock().unwrap_or_else(PoisonError::into_inner);
            for read in reads {
                let key = (read.workspace, read.minute, read.actor, read.method);
                *counted.entry(key).or_default() += read.leads;
            }
        }
        Ok(written?)
    }
}

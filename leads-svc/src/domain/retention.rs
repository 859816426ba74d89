//! How long leads are kept.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::lead::Stage;

/// Longest time that can be set, in days.
pub const MAX_DAYS: u16 = 36_500;

/// Days after the last activity on which a lead is deleted, by the word of its stage. Leads of other stages are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention(BTreeMap<String, u16>);

impl Retention {
    /// A lead of that stage is deleted so many days after its last activity; 0 keeps it.
    #[must_use]
    pub fn with(mut self, stage: Stage, days: u16) -> Self {
        match days {
            0 => self.0.remove(stage.word()),
            days => self.0.insert(stage.word().to_owned(), days),
        };
        self
    }

    /// Whether every lead is kept.
    pub fn keeps_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Stages with their days.
    pub fn days(&self) -> impl Iterator<Item = (&str, u16)> {
        self.0.iter().map(|(stage, days)| (stage.as_str(), *days))
    }

    /// Words of stages, and for each the time before which the last activity must lie for a lead to be deleted.
    pub fn cutoffs(&self, now: DateTime<Utc>) -> Vec<(String, DateTime<Utc>)> {
        self.days()
            .map(|(stage, days)| (stage.to_owned(), now - TimeDelta::days(days.into())))
            .collect()
    }

    /// Whether a lead is to be deleted.
    pub fn is_due(&self, stage: Stage, last_activity_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.cutoffs(now)
            .iter()
            .any(|(of, cutoff)| of == stage.word() && last_activity_at < *cutoff)
    }
}

//! One lead of a batch.

use std::fmt;

use leads_proto::leads::connector::v1::LeadSnapshot;
use leads_runtime::delivery::WorkItem;
use serde_json::{Map, Value};

use crate::map;

/// What a lead's row carries through its calls.
#[derive(Clone, PartialEq)]
pub struct Row {
    /// The job.
    pub job_id: String,
    /// The lead.
    pub lead: LeadSnapshot,
    /// Whether a record is known, which has what Salesforce needs of a new one.
    pub linked: bool,
    /// Vendor calls made so far.
    pub calls: u32,
    /// Whether it was in a request that was refused for one row's sake.
    pub refused: bool,
    /// Whether it was sent once more by itself.
    pub resent: bool,
}

impl Row {
    /// The row of a job.
    pub fn new(item: &WorkItem) -> Self {
        Self {
            job_id: item.job_id.clone(),
            lead: item.lead.clone(),
            linked: !item.lead.external_id.is_empty(),
            calls: 0,
            refused: false,
            resent: false,
        }
    }

    /// What is written.
    pub fn record(&self) -> Map<String, Value> {
        map::fields(&self.lead, !self.linked)
    }
}

/// Shows no personal data.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("job_id", &self.job_id)
            .field("lead_id", &self.lead.lead_id)
            .field("linked", &self.linked)
            .field("calls", &self.calls)
            .field("refused", &self.refused)
            .field("resent", &self.resent)
            .finish_non_exhaustive()
    }
}

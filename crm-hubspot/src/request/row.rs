//! One lead of a batch.

use std::collections::BTreeMap;
use std::fmt;

use leads_runtime::delivery::WorkItem;

use crate::map::{self, Mapping};

/// What a lead's row carries through its calls.
#[derive(Clone, PartialEq)]
pub struct Row {
    /// The job; the row's trace id.
    pub job_id: String,
    /// The lead; the row's key.
    pub lead_id: String,
    /// The lead's address in lower case, as HubSpot keeps them.
    pub email: String,
    /// Everything there is to write.
    pub properties: BTreeMap<String, String>,
    /// Record to update, with what is written to it.
    pub found: Option<(String, BTreeMap<String, String>)>,
    /// Vendor calls made so far.
    pub calls: u32,
    /// Whether it was in a batch that was refused for one row's sake.
    pub refused: bool,
    /// Whether it was looked up because of a conflict.
    pub relooked: bool,
    /// Whether it was sent to the record that HubSpot named in a conflict.
    pub redirected: bool,
}

/// What links to records are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The vendor's account; may be empty.
    pub account_id: String,
    /// Host of its pages; may be empty.
    pub ui_domain: String,
}

impl Row {
    /// The row of a job.
    pub fn new(item: &WorkItem, mapping: &Mapping) -> Self {
        Self {
            job_id: item.job_id.clone(),
            lead_id: item.lead.lead_id.clone(),
            email: item.lead.email.trim().to_lowercase(),
            properties: map::properties(&item.lead, mapping),
            found: None,
            calls: 0,
            refused: false,
            relooked: false,
            redirected: false,
        }
    }
}

/// Shows no personal data.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("job_id", &self.job_id)
            .field("lead_id", &self.lead_id)
            .field("record_id", &self.found.as_ref().map(|(record_id, _)| record_id))
            .field("calls", &self.calls)
            .field("refused", &self.refused)
            .field("relooked", &self.relooked)
            .field("redirected", &self.redirected)
            .finish_non_exhaustive()
    }
}

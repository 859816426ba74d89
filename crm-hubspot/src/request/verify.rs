//! What a read-back says about its rows.

use std::collections::{BTreeMap, BTreeSet};

use leads_runtime::delivery::Outcome;

use super::{Call, Plan, Row};
use crate::api::{BatchAnswer, Record};
use crate::errors::{Fault, Kind, not_sent};
use crate::map::{self, KEY_PROPERTY};

impl Plan {
    /// Counts an answer against its rows: found, said to be missing, or not mentioned.
    pub(super) fn verified(&mut self, rows: Vec<Row>, answer: BatchAnswer) {
        let found: BTreeMap<&str, &Record> = answer
            .results
            .iter()
            .filter_map(|record| Some((record.property(KEY_PROPERTY)?, record)))
            .collect();
        let missing: BTreeSet<&str> = answer
            .errors
            .iter()
            .filter(|error| Fault::of_row(error).kind == Kind::RecordGone)
            .flat_map(|error| {
                ["ids", "id"]
                    .iter()
                    .flat_map(|name| error.facts(name))
                    .collect::<Vec<_>>()
            })
            .collect();
        for row in rows {
            let outcome = match found.get(row.lead_id.as_str()) {
                Some(record) => Outcome::Verified {
                    external_id: record.id.clone(),
                    url: map::record_url(record, &self.links.account_id, &self.links.ui_domain),
                    revision: map::revision(record),
                },
                None if missing.contains(row.lead_id.as_str()) => no_record(),
                None => not_sent("INCOMPLETE", "HubSpot's answer does not mention the record"),
            };
            self.end(row, outcome);
        }
    }

    pub(super) fn verify_refused(&mut self, mut rows: Vec<Row>, fault: Fault) {
        if rows.len() > 1 {
            return self.halve(Call::Verify, rows);
        }
        if let Some(row) = rows.pop() {
            let outcome = if fault.kind == Kind::RecordGone {
                no_record()
            } else {
                fault.outcome()
            };
            self.end(row, outcome);
        }
    }
}

fn no_record() -> Outcome {
    Outcome::Verified {
        external_id: String::new(),
        url: String::new(),
        revision: 0,
    }
}

//! What a checker asks of the whole org: no lead twice, no revision back.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lead::Lead;

/// Live leads that share a value which should be one lead's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The value.
    pub value: String,
    /// The leads.
    pub ids: Vec<String>,
}

/// A write of an older revision over a newer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepBack {
    /// The lead.
    pub id: String,
    /// What it had.
    pub from: i64,
    /// What was written.
    pub to: i64,
}

/// Live leads with one address.
pub(super) fn duplicates<'a>(leads: impl Iterator<Item = &'a Lead>) -> Vec<Duplicate> {
    let mut by_value: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for lead in leads.filter(|lead| !lead.is_deleted) {
        if let Some(email) = lead.text("Email") {
            by_value
                .entry(email.to_lowercase())
                .or_default()
                .push(lead.id.clone());
        }
    }
    by_value
        .into_iter()
        .filter(|(_, ids)| ids.len() > 1)
        .map(|(value, ids)| Duplicate { value, ids })
        .collect()
}

/// Every write of ours that went back.
pub(super) fn steps_back<'a>(leads: impl Iterator<Item = &'a Lead>) -> Vec<StepBack> {
    let mut steps = Vec::new();
    for lead in leads {
        for pair in lead.revisions.windows(2) {
            if let [(_, from), (_, to)] = pair
                && to < from
            {
                steps.push(StepBack {
                    id: lead.id.clone(),
                    from: *from,
                    to: *to,
                });
            }
        }
    }
    steps
}

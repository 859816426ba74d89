//! What a lookup by address says about its rows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Call, Plan, Row, Step};
use crate::api::{BatchAnswer, Record};
use crate::map::{self, KEY_PROPERTY};

impl Plan {
    /// Rows with a contact are updated, the others and the linked ones are upserted.
    pub(super) fn looked_up(&mut self, step: Step, mut answer: BatchAnswer) {
        answer.results.retain(|record| !record.id.is_empty());
        let mut missed = step.linked;
        let mut found: Vec<Row> = Vec::new();
        let mut unclear: Vec<Row> = Vec::new();
        let misses = misses(&answer);
        let by_address: BTreeMap<String, &Record> = answer
            .results
            .iter()
            .flat_map(|record| {
                map::addresses(record)
                    .into_iter()
                    .map(move |address| (address, record))
            })
            .collect();
        // An answer to a single question needs no matching; it may not list the address at all.
        let only = match (answer.results.as_slice(), step.rows.len()) {
            ([record], 1) => Some(record),
            _ => None,
        };
        let several = step.rows.len() > 1;
        let unmatched = answer.results.len()
            > step
                .rows
                .iter()
                .filter(|row| by_address.contains_key(&row.email))
                .count();
        for row in step.rows {
            match by_address.get(&row.email).copied().or(only) {
                Some(record) => found.push(aim(row, record)),
                None if several && unmatched && !misses.contains(row.email.as_str()) => unclear.push(row),
                None => missed.push(row),
            }
        }
        let (ours, found): (Vec<Row>, Vec<Row>) = found.into_iter().partition(|row| row.found.is_none());
        missed.extend(ours);
        let (found, again) = one_per_record(found);
        self.upsert(missed);
        self.sooner(Step::new(Call::Update, found));
        // A contact that several rows stand for takes them one after the other.
        self.later(Step::new(Call::Lookup, again));
        for row in unclear {
            self.later(Step::new(Call::Lookup, vec![row]));
        }
    }

    /// An address that HubSpot does not even look up is left to the write, whose refusal names the property.
    pub(super) fn lookup_refused(&mut self, mut step: Step) {
        self.upsert(std::mem::take(&mut step.linked));
        if step.rows.len() > 1 {
            self.halve(Call::Lookup, step.rows)
        } else {
            self.upsert(step.rows)
        }
    }
}

/// Aims a row at the contact that has its address. One that is ours already is written by our key: if that met a
/// conflict, this contact was not the cause.
fn aim(mut row: Row, record: &Record) -> Row {
    let ours = row.relooked && record.property(KEY_PROPERTY) == Some(row.lead_id.as_str());
    row.found = (!ours).then(|| {
        (
            record.id.clone(),
            map::properties_for_found(&row.properties, record),
        )
    });
    row
}

/// HubSpot lists what it did not find as `ids` or as `id`.
fn misses(answer: &BatchAnswer) -> BTreeSet<String> {
    let named = |error: &crate::api::ErrorBody| -> Vec<String> {
        ["ids", "id"]
            .iter()
            .flat_map(|name| error.facts(name))
            .map(str::to_lowercase)
            .collect()
    };
    answer.errors.iter().flat_map(named).collect()
}

fn one_per_record(rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    let mut seen = BTreeSet::new();
    rows.into_iter().partition(|row| match &row.found {
        Some((record_id, _)) => seen.insert(record_id.clone()),
        None => true,
    })
}

//! What a write's answer says about its rows.

use std::collections::BTreeMap;

use leads_runtime::delivery::Outcome;

use super::{Call, Plan, Row, Step};
use crate::api::{BatchAnswer, ErrorBody, Record};
use crate::errors::{Fault, Kind, lost};
use crate::map::{self, KEY_PROPERTY};

impl Plan {
    /// Counts an answer against its rows.
    pub(super) fn written(&mut self, step: Step, answer: BatchAnswer) {
        let call = step.call;
        let mut rows: BTreeMap<String, Row> = step
            .rows
            .into_iter()
            .map(|row| (row.job_id.clone(), row))
            .collect();
        for record in answer.results.iter().filter(|record| !record.id.is_empty()) {
            if let Some(row) = job_of_record(record, &rows).and_then(|job_id| rows.remove(&job_id)) {
                let url = map::record_url(record, &self.links.account_id, &self.links.ui_domain);
                self.end(
                    row,
                    Outcome::Delivered {
                        external_id: record.id.clone(),
                        url,
                    },
                );
            }
        }
        let mut of_nobody = None;
        for error in &answer.errors {
            let fault = Fault::of_row(error);
            let jobs = jobs_of_error(error, &rows);
            if jobs.is_empty() {
                of_nobody = Some(fault);
                continue;
            }
            for row in jobs.iter().filter_map(|job_id| rows.remove(job_id)) {
                self.row_refused(call, row, &fault);
            }
        }
        let mut left: Vec<Row> = rows.into_values().collect();
        match (of_nobody, left.len()) {
            (None, _) => self.end_all(left, &lost("HubSpot's answer does not mention the row")),
            (Some(_), 2..) => self.halve(call, left),
            (Some(fault), _) => {
                if let Some(row) = left.pop() {
                    self.row_refused(call, row, &fault);
                }
            }
        }
    }

    /// A whole batch that was refused for the sake of one row.
    pub(super) fn write_refused(&mut self, step: Step, fault: Fault) {
        let Step { call, mut rows, .. } = step;
        if rows.len() == 1 {
            if let Some(row) = rows.pop() {
                self.row_refused(call, row, &fault);
            }
            return;
        }
        if fault.kind == Kind::Conflict && call == Call::Upsert && rows.iter().any(|row| !row.relooked) {
            return self.look_again(rows);
        }
        // Rows that hold a property which the account lacks are all at fault: no need to find them one by one.
        if fault.kind == Kind::MissingProperty {
            let (guilty, others): (Vec<Row>, Vec<Row>) = rows
                .into_iter()
                .partition(|row| holds(call, row, &fault.property));
            match guilty.is_empty() {
                true => self.halve(call, others),
                false => {
                    self.end_all(guilty, &fault.outcome());
                    self.sooner(Step::new(call, others));
                }
            }
            return;
        }
        self.halve(call, rows);
    }

    /// A single row that was refused.
    fn row_refused(&mut self, call: Call, mut row: Row, fault: &Fault) {
        match (fault.kind, call) {
            (Kind::Conflict, Call::Upsert) if !row.relooked => self.look_again(vec![row]),
            (Kind::Conflict, Call::Upsert) if !row.redirected => match fault.existing_id() {
                Some(record_id) => {
                    let properties = map::properties_for_found(&row.properties, &Record::default());
                    row.found = Some((record_id.to_owned(), properties));
                    row.redirected = true;
                    self.sooner(Step::new(Call::Update, vec![row]));
                }
                None => self.end(row, fault.outcome()),
            },
            // Deleted since it was found.
            (Kind::RecordGone, Call::Update) if !row.redirected => {
                row.found = None;
                row.redirected = true;
                self.upsert(vec![row]);
            }
            _ => self.end(row, fault.outcome()),
        }
    }

    fn look_again(&mut self, mut rows: Vec<Row>) {
        for row in rows.iter_mut() {
            row.relooked = true;
        }
        self.sooner(Step::new(Call::Lookup, rows));
    }
}

/// Trace ids first; our key where HubSpot left the trace id out. Never the position, never the address.
fn job_of_record(record: &Record, rows: &BTreeMap<String, Row>) -> Option<String> {
    let traced = record
        .object_write_trace_id
        .as_ref()
        .filter(|job_id| rows.contains_key(*job_id));
    traced.cloned().or_else(|| {
        let key = record.property(KEY_PROPERTY)?;
        rows.values()
            .find(|row| row.lead_id == key)
            .map(|row| row.job_id.clone())
    })
}

fn jobs_of_error(error: &ErrorBody, rows: &BTreeMap<String, Row>) -> Vec<String> {
    let traced: Vec<String> = error
        .facts("objectWriteTraceId")
        .into_iter()
        .filter(|job_id| rows.contains_key(*job_id))
        .map(str::to_owned)
        .collect();
    if !traced.is_empty() {
        return traced;
    }
    let ids: Vec<&str> = ["ids", "id"].iter().flat_map(|name| error.facts(name)).collect();
    let named = |row: &&Row| {
        let record = row.found.as_ref().map(|(record_id, _)| record_id.as_str());
        ids.iter().any(|id| *id == row.lead_id || Some(*id) == record)
    };
    rows.values()
        .filter(named)
        .map(|row| row.job_id.clone())
        .collect()
}

fn holds(call: Call, row: &Row, property: &str) -> bool {
    match (call, &row.found) {
        (Call::Update, Some((_, properties))) => properties.contains_key(property),
        _ => row.properties.contains_key(property),
    }
}

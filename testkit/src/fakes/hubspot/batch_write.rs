//! Batch upsert, update, create and archive: all checks first, then either nothing or every good row is stored.

use std::sync::Arc;

use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::batch_input::{BATCH_MAX, Input, WriteBody};
use super::batch_plan::Plan;
use super::contact::{Change, Record};
use super::errors::Refusal;
use super::log::{Outcome, Row};
use super::portal::{Call, State};
use super::reply::Reply;
use super::store::Key;

/// Which batch write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Create,
    Update,
    Upsert,
}

impl State {
    /// Answers 200 (create: 201) or 207 with results in no particular order, or refuses the whole batch.
    pub fn write_batch(&mut self, call: &Call, body: WriteBody, mode: Mode) -> Reply {
        let success = if mode == Mode::Create { 201 } else { 200 };
        let Some(inputs) = body.inputs else {
            return self.complete(call, success, &[], &[]);
        };
        match self.plan_batch(call, &inputs, mode) {
            Ok(plan) => self.store_batch(call, &inputs, plan, mode),
            Err((refusal, culprits)) => {
                let rows = (0..).zip(&inputs).map(|(index, input)| {
                    let outcome = culprits.get(&index).copied().unwrap_or(Outcome::Untouched);
                    let key = self.key(input.id_property.as_deref()).unwrap_or(Key::RecordId);
                    self.row(&key, input, outcome, None)
                });
                let rows = rows.collect();
                self.refuse(refusal).with_rows(rows)
            }
        }
    }

    /// Answers 204; ids that name nothing are ignored.
    pub fn archive_batch(&mut self, call: &Call, body: WriteBody) -> Reply {
        let inputs = body.inputs.unwrap_or_default();
        if inputs.len() > BATCH_MAX {
            return self.refuse(too_many(inputs.len()));
        }
        let mut rows = Vec::with_capacity(inputs.len());
        for input in &inputs {
            let id = input
                .id
                .as_deref()
                .and_then(|id| self.store.lookup(&Key::RecordId, id));
            let done = id.is_some_and(|id| self.store.archive(id, call.at_ms));
            let outcome = if done { Outcome::Archived } else { Outcome::Missing };
            rows.push(self.row(&Key::RecordId, input, outcome, id));
        }
        Reply::no_content().with_rows(rows)
    }

    /// Body of every batch answer; without errors it has no `errors` at all.
    pub fn complete(&self, call: &Call, success: u16, results: &[Record], errors: &[Value]) -> Reply {
        let (started, completed) = (self.clock.iso(call.at_ms), self.clock.iso(self.clock.now_ms()));
        let mut body = json!({"status": "COMPLETE", "startedAt": started, "completedAt": completed});
        if let (false, Some(fields)) = (errors.is_empty(), body.as_object_mut()) {
            fields.insert("numErrors".to_owned(), json!(errors.len()));
            fields.insert("errors".to_owned(), json!(errors));
        }
        let status = if errors.is_empty() { success } else { 207 };
        #[derive(serde::Serialize)]
        struct Answer<'a> {
            #[serde(flatten)]
            head: Value,
            results: &'a [Record],
        }
        Reply::json(status, &Answer { head: body, results })
    }

    fn store_batch(&mut self, call: &Call, inputs: &[Input], plan: Plan, mode: Mode) -> Reply {
        let mut results = Vec::with_capacity(inputs.len());
        let mut errors = Vec::new();
        let mut rows: Vec<Row> = Vec::with_capacity(inputs.len());
        for (index, ((key, planned), input)) in plan.keys.iter().zip(plan.rows).zip(inputs).enumerate() {
            match planned {
                Ok(planned) => {
                    let id = self
                        .store
                        .put(&self.schema, planned.target, &planned.changes, call.stamp());
                    if let Some(mut record) = self.written(call, id, &planned.changes) {
                        record.new = (mode == Mode::Upsert).then_some(planned.target.is_none());
                        record
                            .object_write_trace_id
                            .clone_from(&input.object_write_trace_id);
                        results.push(record);
                    }
                    let outcome = if planned.target.is_none() {
                        Outcome::Created
                    } else {
                        Outcome::Updated
                    };
                    rows.push(self.row(key, input, outcome, Some(id)));
                }
                Err(error) => {
                    errors.push(error.item(input.object_write_trace_id.as_deref(), index % 2 == 1));
                    rows.push(self.row(key, input, error.outcome(), None));
                }
            }
        }
        results.shuffle(&mut self.rng);
        let success = if mode == Mode::Create { 201 } else { 200 };
        self.complete(call, success, &results, &errors).with_rows(rows)
    }

    /// A record as a write answers it: what was written, and what every record has.
    pub fn written(&self, call: &Call, id: u64, changes: &[Change]) -> Option<Record> {
        let mut names: Vec<Arc<str>> = changes.iter().map(|(name, _)| Arc::clone(name)).collect();
        for always in ["createdate", "hs_object_id", "lastmodifieddate"] {
            names.extend(
                self.schema
                    .any(always)
                    .map(|definition| Arc::clone(&definition.name)),
            );
        }
        self.store
            .find(id)
            .map(|contact| self.record(call, contact, &names))
    }
}

/// The wording is unconfirmed; the status and the cap are not.
pub(super) fn too_many(count: usize) -> Refusal {
    Refusal::Validation(format!(
        "The maximum number of inputs in a batch request is {BATCH_MAX}, got {count}"
    ))
}

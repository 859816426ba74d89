//! Batch read by record id, address or custom unique property.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::batch_input::{BATCH_MAX, ReadBody};
use super::batch_write::too_many;
use super::clock::Clock;
use super::contact::{Contact, Record};
use super::errors::Refusal;
use super::log::Outcome;
use super::portal::{Call, State};
use super::reply::Reply;
use super::rows::RowError;
use super::store::Key;

/// Properties of a read that names none.
const DEFAULT_PROPERTIES: [&str; 6] = [
    "createdate",
    "email",
    "firstname",
    "hs_object_id",
    "lastmodifieddate",
    "lastname",
];

impl State {
    /// Answers 200, or 207 with one error per id that names nothing.
    pub fn read_batch(&mut self, call: &Call, body: ReadBody) -> Reply {
        let Some(inputs) = body.inputs else {
            return self.complete(call, 200, &[], &[]);
        };
        if inputs.len() > BATCH_MAX {
            return self.refuse(too_many(inputs.len()));
        }
        if inputs.iter().any(|input| input.id.is_none()) {
            return self.refuse(Refusal::RequiredField("id"));
        }
        let key = match self.key(body.id_property.as_deref()) {
            Ok(key) => key,
            Err(refusal) => return self.refuse(refusal),
        };
        let names = self.names(&body.properties);
        let (mut results, mut errors, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (index, input) in inputs.iter().enumerate() {
            let id = input.id.as_deref().unwrap_or_default();
            let found = self.readable(call, &key, id);
            match found {
                Some(contact) => {
                    results.push(self.with_history(call, contact, &names, &body.properties_with_history));
                    rows.push(self.row(&key, input, Outcome::Found, Some(contact.id)));
                }
                None => {
                    errors.push(RowError::Missing(id.to_owned()).item(None, index % 2 == 1));
                    rows.push(self.row(&key, input, Outcome::Missing, None));
                }
            }
        }
        rand::seq::SliceRandom::shuffle(results.as_mut_slice(), &mut self.rng);
        self.complete(call, 200, &results, &errors).with_rows(rows)
    }

    /// The contact that a read may show: a live one, or with `archived=true` one of the recycle bin.
    pub fn readable(&self, call: &Call, key: &Key, id: &str) -> Option<&Contact> {
        if call.flag("archived") {
            let contact = id.parse().ok().and_then(|id| self.store.find(id));
            return contact.filter(|contact| !contact.is_live());
        }
        self.store.lookup(key, id).and_then(|id| self.store.live(id))
    }

    /// Names as the schema has them; unknown ones are ignored, none means the default ones.
    pub fn names(&self, asked: &[String]) -> Vec<Arc<str>> {
        let known = |name: &str| {
            self.schema
                .live(name)
                .map(|definition| Arc::clone(&definition.name))
        };
        if asked.is_empty() {
            return DEFAULT_PROPERTIES.into_iter().filter_map(known).collect();
        }
        let always = ["createdate", "hs_object_id", "lastmodifieddate"];
        let mut names: Vec<Arc<str>> = asked
            .iter()
            .map(String::as_str)
            .chain(always)
            .filter_map(known)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// A record, with the past of some properties if asked for.
    pub fn with_history(
        &self,
        call: &Call,
        contact: &Contact,
        names: &[Arc<str>],
        past: &[String],
    ) -> Record {
        let mut record = self.record(call, contact, names);
        if !past.is_empty() {
            record.properties_with_history = Some(history(contact, past, &self.clock));
        }
        record
    }
}

/// Newest first, as HubSpot has it.
fn history(contact: &Contact, names: &[String], clock: &Clock) -> Value {
    let mut all = Map::new();
    for name in names {
        let values = contact.history.iter().rev().filter_map(|write| {
            let (_, value) = write.changes.iter().find(|(changed, _)| **changed == **name)?;
            let source = if write.request == 0 {
                "CRM_UI"
            } else {
                "INTEGRATION"
            };
            Some(json!({"value": **value, "timestamp": clock.iso(write.at_ms), "sourceType": source}))
        });
        all.insert(name.clone(), values.collect());
    }
    Value::Object(all)
}

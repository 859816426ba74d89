//! Endpoints of one contact: create, list, get, update, archive, erase, merge.

use serde::Deserialize;
use serde_json::{Value, json};

use super::batch_input::Input;
use super::contact::Record;
use super::errors::Refusal;
use super::log::{Outcome, Row};
use super::portal::{Call, State, parse_value};
use super::reply::Reply;
use super::rows::{Planned, RowError};
use super::store::Key;

const PAGE_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Erasure {
    object_id: String,
    id_property: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merge {
    primary_object_id: String,
    object_id_to_merge: String,
}

impl State {
    /// 201 with the record, 400 or 409.
    pub fn create(&mut self, call: &Call, body: Value) -> Reply {
        self.write_one(call, body, None)
    }

    /// 200 with the record; 404 as JSON if the id names nothing.
    pub fn update(&mut self, call: &Call, body: Value) -> Reply {
        let key = match self.key(call.param("idProperty")) {
            Ok(key) => key,
            Err(refusal) => return self.refuse(refusal),
        };
        match self.store.lookup(&key, &call.target.arg) {
            Some(id) => self.write_one(call, body, Some(id)),
            None => self.refuse(Refusal::NotFound("resource not found".to_owned())),
        }
    }

    /// 200; a record id that is a number but names nothing gets a page, anything else JSON.
    pub fn get(&mut self, call: &Call) -> Reply {
        let key = match self.key(call.param("idProperty")) {
            Ok(key) => key,
            Err(refusal) => return self.refuse(refusal),
        };
        let names = self.names(&call.list("properties"));
        let past = call.list("propertiesWithHistory");
        let found = self.readable(call, &key, &call.target.arg);
        let found = found.map(|contact| (contact.id, self.with_history(call, contact, &names, &past)));
        match found {
            Some((id, record)) => {
                let row = self.row(&key, &single(&call.target.arg), Outcome::Found, Some(id));
                Reply::json(200, &record).with_rows(vec![row])
            }
            None if key == Key::RecordId && call.target.arg.parse::<u64>().is_ok_and(|id| id > 0) => {
                self.refuse(Refusal::NotFoundPage)
            }
            None => self.refuse(Refusal::NotFound(
                "Object not found. objectId are usually numeric.".to_owned(),
            )),
        }
    }

    /// 204, also for an id that names nothing.
    pub fn archive(&mut self, call: &Call) -> Reply {
        let id = self.store.lookup(&Key::RecordId, &call.target.arg);
        let done = id.is_some_and(|id| self.store.archive(id, call.at_ms));
        let outcome = if done { Outcome::Archived } else { Outcome::Missing };
        let row = self.row(&Key::RecordId, &single(&call.target.arg), outcome, id);
        Reply::no_content().with_rows(vec![row])
    }

    /// 204, also for an id that names nothing. The record does not go through the recycle bin.
    pub fn gdpr_delete(&mut self, body: &Value) -> Reply {
        let erasure: Erasure = match parse_value(body.clone()) {
            Ok(erasure) => erasure,
            Err(refusal) => return self.refuse(refusal),
        };
        let key = match self.key(erasure.id_property.as_deref()) {
            Ok(key) => key,
            Err(refusal) => return self.refuse(refusal),
        };
        let binned = || {
            erasure
                .object_id
                .parse()
                .ok()
                .and_then(|id| self.store.find(id))
                .map(|found| found.id)
        };
        let id = self.store.lookup(&key, &erasure.object_id).or_else(binned);
        let addresses = id.and_then(|id| self.store.erase(id));
        let outcome = if addresses.is_some() {
            Outcome::Archived
        } else {
            Outcome::Missing
        };
        let key = id.map(|id| id.to_string()).unwrap_or_default();
        self.erased.extend(addresses.unwrap_or_default());
        Reply::no_content().with_rows(vec![Row {
            key,
            trace_id: None,
            outcome,
            contact_id: id,
        }])
    }

    /// 200 with the survivor.
    pub fn merge_records(&mut self, call: &Call, body: &Value) -> Reply {
        let merge: Merge = match parse_value(body.clone()) {
            Ok(merge) => merge,
            Err(refusal) => return self.refuse(refusal),
        };
        let ids = merge
            .primary_object_id
            .parse()
            .ok()
            .zip(merge.object_id_to_merge.parse().ok());
        let keep_id = self.options.merge_keeps_primary_id;
        let survivor = ids.and_then(|ids| self.store.merge(&self.schema, ids, keep_id, call.stamp()));
        let names = self.names(&[]);
        let record = survivor.and_then(|id| Some(self.record(call, self.store.find(id)?, &names)));
        match record {
            Some(record) => Reply::json(200, &record),
            None => self.refuse(Refusal::NotFound(
                "One of the contacts to merge does not exist".to_owned(),
            )),
        }
    }

    /// A page of records in id order.
    pub fn list(&mut self, call: &Call) -> Reply {
        let limit = call
            .param("limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(10)
            .clamp(1, PAGE_MAX);
        let after: u64 = call
            .param("after")
            .and_then(|after| after.parse().ok())
            .unwrap_or(0);
        let names = self.names(&call.list("properties"));
        let wanted = !call.flag("archived");
        let mut page = self
            .store
            .iter_after(after)
            .filter(|contact| contact.is_live() == wanted);
        let results: Vec<Record> = page
            .by_ref()
            .take(limit)
            .map(|contact| self.record(call, contact, &names))
            .collect();
        let mut body = json!({"results": results});
        if let (Some(_), Some(last), Some(fields)) = (page.next(), results.last(), body.as_object_mut()) {
            let link = format!("https://api.hubapi.com/crm/v3/objects/contacts?after={}", last.id);
            fields.insert(
                "paging".to_owned(),
                json!({"next": {"after": last.id, "link": link}}),
            );
        }
        Reply::json(200, &body)
    }

    fn write_one(&mut self, call: &Call, body: Value, target: Option<u64>) -> Reply {
        let input: Input = match parse_value(body) {
            Ok(input) => input,
            Err(refusal) => return self.refuse(refusal),
        };
        if input.properties.is_none() {
            return self.refuse(Refusal::RequiredField("properties"));
        }
        match self.plan_one(call, &input, target) {
            Ok(planned) => {
                let id = self
                    .store
                    .put(&self.schema, target, &planned.changes, call.stamp());
                let outcome = if target.is_none() {
                    Outcome::Created
                } else {
                    Outcome::Updated
                };
                let row = self.row(&Key::RecordId, &input, outcome, Some(id));
                let status = if target.is_none() { 201 } else { 200 };
                Reply::json(status, &self.written(call, id, &planned.changes)).with_rows(vec![row])
            }
            Err(error) => {
                let row = self.row(&Key::RecordId, &input, error.outcome(), target);
                self.refuse(error.into_refusal()).with_rows(vec![row])
            }
        }
    }

    fn plan_one(&self, call: &Call, input: &Input, target: Option<u64>) -> Result<Planned, RowError> {
        let changes = self.changes(input.pairs())?;
        if target.is_none() {
            self.check_new(call, &changes)?;
        }
        self.check_free(target, &changes)?;
        Ok(Planned { target, changes })
    }
}

fn single(id: &str) -> Input {
    Input {
        id: Some(id.to_owned()),
        ..Input::default()
    }
}

//! sObject Collections: up to 200 records a call, an answer for each in the request's order.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{Refusal, RowError};
use super::ids;
use super::log::{Outcome, Row};
use super::org::{Fields, Org, Write};

/// Most records of a call that writes.
const MOST: usize = 200;
/// Most records of a read.
const MOST_READ: usize = 2_000;

/// A body of Collections.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    all_or_none: bool,
    records: Vec<Fields>,
}

/// What a read asks for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    pub ids: Vec<String>,
    pub fields: Vec<String>,
}

/// Rows that a fault refuses without touching them.
pub(super) struct Scripted<'a> {
    pub error: Option<&'a RowError>,
    /// Values of the external id, or ids; empty for all.
    pub keys: &'a [String],
}

/// What became of a call: the answer, and a line per row for the log.
pub(super) struct Done {
    pub body: Value,
    pub rows: Vec<Row>,
}

/// How a row is found.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// A new one.
    Nothing,
    /// Its id.
    Id,
    /// An external id.
    Field(&'a str),
}

impl Org {
    /// Writes the records of a body.
    pub(super) fn write(
        &mut self,
        body: &[u8],
        by: By<'_>,
        write: Write,
        scripted: &Scripted<'_>,
    ) -> Result<Done, Refusal> {
        let body: Body =
            serde_json::from_slice(body).map_err(|problem| Refusal::malformed(problem.to_string()))?;
        if body.records.len() > MOST {
            // Unconfirmed text.
            let text = format!("Maximum number of records allowed is {MOST}");
            return Err(Refusal::new(400, "INVALID_BATCH_SIZE", text));
        }
        let field = match by {
            By::Field(name) => match self.field(name) {
                Some(field) if field.external_id => Some(field.name.clone()),
                _ => return Err(Refusal::not_found()),
            },
            By::Nothing | By::Id => None,
        };
        let mut records = body.records;
        for record in &mut records {
            record.remove("attributes");
            let names = record.keys().map(String::as_str).filter(|name| *name != "id");
            if let Some(unknown) = self.unknown(names) {
                let text = format!("No such column '{unknown}' on sobject of type Lead");
                return Err(Refusal::new(400, "INVALID_FIELD", text));
            }
        }
        let before = body.all_or_none.then(|| self.clone());
        let doubled = field
            .as_deref()
            .map(|field| doubled(&records, field))
            .unwrap_or_default();
        let mut done = Done {
            body: json!([]),
            rows: Vec::new(),
        };
        let mut items = Vec::new();
        for record in records {
            let key = key_of(&record, field.as_deref());
            let is_hit = scripted.keys.is_empty() || scripted.keys.contains(&key);
            let result = match scripted.error.filter(|_| is_hit) {
                Some(error) => Err(error.clone()),
                None if doubled.contains(&key.to_lowercase()) => Err(RowError::new(
                    "DUPLICATE_VALUE",
                    format!("Duplicate external id specified: {key}"),
                    &[],
                )),
                None => self.write_one(record, field.as_deref(), matches!(by, By::Id), write),
            };
            let (outcome, id) = match &result {
                Ok((id, true)) => (Outcome::Created, Some(id.clone())),
                Ok((id, false)) => (Outcome::Updated, Some(id.clone())),
                Err(_) => (Outcome::Refused, None),
            };
            done.rows.push(Row { key, outcome, id });
            items.push(match (result, by) {
                (Ok((id, created)), By::Field(_)) => {
                    json!({"id": id, "success": true, "errors": [], "created": created})
                }
                (Ok((id, _)), By::Id | By::Nothing) => json!({"id": id, "success": true, "errors": []}),
                (Err(error), _) => error.row(),
            });
        }
        if let Some(before) = before.filter(|_| done.rows.iter().any(|row| row.outcome == Outcome::Refused)) {
            *self = before;
            let text = "Record rolled back because not all records were valid and the request was using AllOrNone header";
            let rolled_back = RowError::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", text, &[]);
            for (row, item) in done.rows.iter_mut().zip(&mut items) {
                if row.outcome != Outcome::Refused {
                    row.outcome = Outcome::Refused;
                    *item = rolled_back.row();
                }
            }
        }
        done.body = Value::Array(items);
        Ok(done)
    }

    fn write_one(
        &mut self,
        mut record: Fields,
        field: Option<&str>,
        by_id: bool,
        write: Write,
    ) -> Result<(String, bool), RowError> {
        let id = record.remove("id").or_else(|| record.remove("Id"));
        if by_id {
            let id = id.as_ref().and_then(Value::as_str).and_then(ids::full);
            let id =
                id.ok_or_else(|| RowError::new("MALFORMED_ID", "Id not specified or malformed", &["Id"]))?;
            return self.update(&id, &record, write).map(|()| (id, false));
        }
        if id.is_some() {
            let text = "The Id field should not be specified in the sobject data.";
            return Err(RowError::new("INVALID_FIELD", text, &["Id"]));
        }
        let Some(field) = field else {
            return self.create(&record, write).map(|id| (id, true));
        };
        let key = record
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if key.is_empty() {
            let text = format!("{field} not specified");
            return Err(RowError::new("MISSING_ARGUMENT", text, &[field]));
        }
        match self.by_unique(field, &key).map(|lead| lead.id.clone()) {
            Some(id) => {
                // The key itself is what it was found by.
                record.remove(field);
                self.update(&id, &record, write).map(|()| (id, false))
            }
            None => self.create(&record, write).map(|id| (id, true)),
        }
    }

    /// Deletes by id.
    pub(super) fn delete_all(&mut self, ids: &[String], scripted: &Scripted<'_>) -> Result<Done, Refusal> {
        if ids.len() > MOST {
            let text = format!("Maximum number of records allowed is {MOST}");
            return Err(Refusal::new(400, "INVALID_BATCH_SIZE", text));
        }
        let mut done = Done {
            body: json!([]),
            rows: Vec::new(),
        };
        let mut items = Vec::new();
        for id in ids {
            let is_hit = scripted.keys.is_empty() || scripted.keys.contains(id);
            let result = match (scripted.error.filter(|_| is_hit), ids::full(id)) {
                (Some(error), _) => Err(error.clone()),
                (None, Some(id)) => self.delete(&id).map(|()| id),
                (None, None) => Err(RowError::new("MALFORMED_ID", format!("malformed id {id}"), &[])),
            };
            let outcome = match &result {
                Ok(_) => Outcome::Deleted,
                Err(_) => Outcome::Refused,
            };
            done.rows.push(Row {
                key: id.clone(),
                outcome,
                id: result.as_ref().ok().cloned(),
            });
            items.push(match result {
                Ok(id) => json!({"id": id, "success": true, "errors": []}),
                Err(error) => error.row(),
            });
        }
        done.body = Value::Array(items);
        Ok(done)
    }

    /// Reads by id; null for what is not there.
    pub(super) fn retrieve(&self, wanted: &Wanted, version: &str) -> Result<Done, Refusal> {
        if wanted.ids.len() > MOST_READ {
            return Err(Refusal::new(400, "INVALID_BATCH_SIZE", "too many ids"));
        }
        if let Some(unknown) = self.unknown(wanted.fields.iter().map(String::as_str)) {
            let text = format!("No such column '{unknown}' on entity 'Lead'.");
            return Err(Refusal::new(400, "INVALID_FIELD", text));
        }
        let mut done = Done {
            body: json!([]),
            rows: Vec::new(),
        };
        let mut items = Vec::new();
        for id in &wanted.ids {
            let lead = ids::full(id)
                .and_then(|id| self.leads.get(&id))
                .filter(|lead| !lead.is_deleted);
            items.push(lead.map_or(Value::Null, |lead| lead.show(version, &wanted.fields)));
            done.rows.push(Row {
                key: id.clone(),
                outcome: if lead.is_some() {
                    Outcome::Found
                } else {
                    Outcome::Missing
                },
                id: lead.map(|lead| lead.id.clone()),
            });
        }
        done.body = Value::Array(items);
        Ok(done)
    }
}

fn key_of(record: &Fields, field: Option<&str>) -> String {
    let named = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    field
        .and_then(named)
        .or_else(|| named("id"))
        .or_else(|| named("Id"))
        .unwrap_or_default()
}

/// Keys that occur more than once in a request, in lower case.
fn doubled(records: &[Fields], field: &str) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        let key = key_of(record, Some(field)).to_lowercase();
        if !key.is_empty() {
            *counts.entry(key).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|(key, _)| key)
        .collect()
}

//! Answers SOQL, page by page.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::errors::Refusal;
use super::org::Org;
use super::soql;

/// Records of a page.
const PAGE: usize = 2_000;
/// Longest address that Salesforce takes, in bytes.
const LONGEST: usize = 16_384;

/// What is left of results that did not fit a page, by locator.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    rest: HashMap<String, (usize, Vec<Value>)>,
    last: u64,
}

impl Org {
    /// The records of a query; `all` looks into the recycle bin as well.
    pub(super) fn select(&self, text: &str, all: bool, version: &str) -> Result<Vec<Value>, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::new(414, "URI_TOO_LONG", "URI too long"));
        }
        let query = soql::parse(text).map_err(|why| Refusal::new(400, "MALFORMED_QUERY", why))?;
        if !query.object.eq_ignore_ascii_case("Lead") {
            let text = format!("sObject type '{}' is not supported.", query.object);
            return Err(Refusal::new(400, "INVALID_TYPE", text));
        }
        if let Some(unknown) = self.unknown(query.names().into_iter()) {
            let text = format!("No such column '{unknown}' on entity 'Lead'.");
            return Err(Refusal::new(400, "INVALID_FIELD", text));
        }
        let canonical = |name: &str| {
            self.field(name)
                .map_or_else(|| name.to_owned(), |field| field.name.clone())
        };
        let mut found: Vec<_> = self
            .leads
            .values()
            .filter(|lead| all || !lead.is_deleted)
            .filter(|lead| {
                let value = |name: &str| lead.value(&canonical(name));
                query.filter.as_ref().is_none_or(|filter| filter.admits(&value))
            })
            .collect();
        if let Some((field, down)) = &query.order {
            let field = canonical(field);
            found.sort_by(|one, other| {
                let order = soql::compare_values(&one.value(&field), &other.value(&field));
                let order = order.unwrap_or(std::cmp::Ordering::Equal);
                if *down { order.reverse() } else { order }
            });
        }
        found.truncate(query.limit.unwrap_or(usize::MAX));
        let fields: Vec<String> = query.fields.iter().map(|name| canonical(name)).collect();
        Ok(found
            .into_iter()
            .map(|lead| lead.show(version, &fields))
            .collect())
    }
}

impl Cursors {
    /// The first page, and a locator if there are more.
    pub(super) fn page(&mut self, records: Vec<Value>, version: &str) -> Value {
        let total = records.len();
        self.cut(total, records, version)
    }

    /// The next page of a locator.
    pub(super) fn next(&mut self, locator: &str, version: &str) -> Result<Value, Refusal> {
        let Some((total, records)) = self.rest.remove(locator) else {
            return Err(Refusal::new(
                400,
                "INVALID_QUERY_LOCATOR",
                "invalid query locator",
            ));
        };
        Ok(self.cut(total, records, version))
    }

    fn cut(&mut self, total: usize, mut records: Vec<Value>, version: &str) -> Value {
        if records.len() <= PAGE {
            return json!({"totalSize": total, "done": true, "records": records});
        }
        let rest = records.split_off(PAGE);
        self.last += 1;
        let locator = format!("01gSIM{:09}-{PAGE}", self.last);
        let next = format!("/services/data/v{version}/query/{locator}");
        self.rest.insert(locator, (total, rest));
        json!({"totalSize": total, "done": false, "nextRecordsUrl": next, "records": records})
    }
}

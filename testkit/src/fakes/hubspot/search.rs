//! Search over an index that lags behind the records.

use serde::Deserialize;
use serde_json::{Value, json};

use super::contact::Contact;
use super::errors::Refusal;
use super::portal::{Call, State, parse_value};
use super::reply::Reply;
use super::schema::Kind;
use super::search_filter::{Filter, Group, check, order};

const PAGE_MAX: usize = 200;
const RESULTS_MAX: usize = 10_000;
const BODY_MAX: usize = 3_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Value>,
    query: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    limit: Option<usize>,
    after: Option<Value>,
}

impl State {
    /// 200 with `total`, or 400. Filters see the records as they were `search_lag_ms` ago; the results show them
    /// as they are.
    pub fn search(&mut self, call: &Call, body: Value) -> Reply {
        match self.find_matches(call, body) {
            Ok(body) => Reply::json(200, &body),
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn find_matches(&self, call: &Call, body: Value) -> Result<Value, Refusal> {
        let invalid = |message: &str| Refusal::Validation(message.to_owned());
        if call.body.len() > BODY_MAX {
            return Err(invalid("the search body is longer than 3000 characters"));
        }
        let search: Search = parse_value(body)?;
        check(&search.filter_groups).map_err(invalid)?;
        if search.sorts.len() > 1 {
            return Err(invalid("at most one sort"));
        }
        let filters = search.filter_groups.iter().flat_map(|group| &group.filters);
        if let Some(unknown) = filters
            .into_iter()
            .find(|filter| self.schema.live(&filter.property_name).is_none())
        {
            let name = &unknown.property_name;
            return Err(Refusal::Validation(format!(
                "There was a problem with the request: no property {name}"
            )));
        }
        let limit = search.limit.filter(|limit| *limit > 0).unwrap_or(10);
        let after = match &search.after {
            None | Some(Value::Null) => 0,
            Some(Value::String(text)) if text.is_empty() => 0,
            Some(Value::String(text)) => text.parse().map_err(|_| invalid("after is not a number"))?,
            Some(other) => other
                .as_u64()
                .and_then(|after| usize::try_from(after).ok())
                .unwrap_or(0),
        };
        if limit > PAGE_MAX || after + limit > RESULTS_MAX {
            return Err(invalid("a page has at most 200 results, a query at most 10,000"));
        }
        let seen_at = call.at_ms.saturating_sub(self.options.search_lag_ms);
        let is_match = |contact: &&Contact| {
            is_indexed(contact, seen_at)
                && self.in_groups(contact, &search.filter_groups, seen_at)
                && search
                    .query
                    .as_deref()
                    .is_none_or(|query| has_text(contact, query))
        };
        let mut matches: Vec<&Contact> = self.store.iter().filter(is_match).collect();
        if let Some((property, descending)) = search.sorts.first().and_then(sort) {
            let value = |contact: &Contact| {
                contact
                    .value_at(&property, seen_at, &self.clock)
                    .unwrap_or_default()
            };
            matches.sort_by(|left, right| order(&value(left), &value(right)));
            if descending {
                matches.reverse();
            }
        }
        let names = self.names(&search.properties);
        let page = matches.iter().skip(after).take(limit);
        let results: Vec<_> = page.map(|contact| self.record(call, contact, &names)).collect();
        let mut answer = json!({"total": matches.len(), "results": results});
        if let (true, Some(fields)) = (after + limit < matches.len(), answer.as_object_mut()) {
            fields.insert(
                "paging".to_owned(),
                json!({"next": {"after": (after + limit).to_string()}}),
            );
        }
        Ok(answer)
    }

    /// Groups are alternatives, the filters of one group all hold.
    fn in_groups(&self, contact: &Contact, groups: &[Group], at_ms: u64) -> bool {
        let holds = |filter: &Filter| {
            let value = contact.value_at(&filter.property_name, at_ms, &self.clock);
            let kind = self
                .schema
                .live(&filter.property_name)
                .map(|definition| definition.kind);
            filter.matches(value.as_deref(), kind != Some(Kind::Enumeration))
        };
        groups.is_empty() || groups.iter().any(|group| group.filters.iter().all(holds))
    }
}

/// A contact appears when the index has caught up with its creation, and goes when it has caught up with its
/// deletion.
fn is_indexed(contact: &Contact, seen_at: u64) -> bool {
    contact.created_ms <= seen_at && contact.archived_ms.is_none_or(|at| at > seen_at)
}

fn has_text(contact: &Contact, query: &str) -> bool {
    let query = query.to_lowercase();
    let searched = [
        "email",
        "firstname",
        "lastname",
        "phone",
        "company",
        "hs_additional_emails",
    ];
    searched.iter().any(|name| {
        contact
            .stored(name)
            .is_some_and(|value| value.to_lowercase().contains(&query))
    })
}

/// `"createdate"`, `"-createdate"` or `{"propertyName", "direction"}`.
fn sort(sort: &Value) -> Option<(String, bool)> {
    match sort {
        Value::String(name) => match name.strip_prefix('-') {
            Some(name) => Some((name.to_owned(), true)),
            None => Some((name.clone(), false)),
        },
        other => {
            let name = other.get("propertyName")?.as_str()?.to_owned();
            Some((
                name,
                other.get("direction").and_then(Value::as_str) == Some("DESCENDING"),
            ))
        }
    }
}

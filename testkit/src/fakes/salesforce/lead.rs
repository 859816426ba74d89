//! A lead of the org.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

/// Our revision; its history is kept.
pub(super) const REVISION: &str = "Leads_Revision__c";

/// What became of a lead that sales accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conversion {
    /// The person.
    pub contact: String,
    /// Their company.
    pub account: String,
    /// The deal.
    pub opportunity: String,
}

/// A lead as the org keeps it.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub id: String,
    pub values: BTreeMap<String, Value>,
    pub is_deleted: bool,
    pub conversion: Option<Conversion>,
    /// Each write that set our revision: the request and the revision.
    pub revisions: Vec<(u64, i64)>,
}

/// A lead as checkers see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeadView {
    /// Its id.
    pub id: String,
    /// Values of fields, empty ones left out.
    pub values: BTreeMap<String, Value>,
    /// Whether it is in the recycle bin.
    pub is_deleted: bool,
    /// What it was converted to.
    pub conversion: Option<Conversion>,
    /// Revisions of ours in the order they were written.
    pub revisions: Vec<i64>,
}

impl LeadView {
    /// A value as text; empty if there is none.
    pub fn text(&self, field: &str) -> String {
        match self.values.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

impl Lead {
    /// The value of any field, own ones included.
    pub(super) fn value(&self, field: &str) -> Value {
        let converted = |pick: fn(&Conversion) -> &String| json!(self.conversion.as_ref().map(pick));
        match field {
            "Id" => json!(self.id),
            "IsDeleted" => json!(self.is_deleted),
            "IsConverted" => json!(self.conversion.is_some()),
            "ConvertedContactId" => converted(|it| &it.contact),
            "ConvertedAccountId" => converted(|it| &it.account),
            "ConvertedOpportunityId" => converted(|it| &it.opportunity),
            "Name" => {
                let part = |field| self.values.get(field).and_then(Value::as_str).unwrap_or_default();
                json!(format!("{} {}", part("FirstName"), part("LastName")).trim())
            }
            _ => self.values.get(field).cloned().unwrap_or(Value::Null),
        }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.values.get(field).and_then(Value::as_str)
    }

    /// The record with some fields, as reads answer it.
    pub(super) fn show(&self, version: &str, fields: &[String]) -> Value {
        let mut shown = serde_json::Map::new();
        let url = format!("/services/data/v{version}/sobjects/Lead/{}", self.id);
        shown.insert("attributes".to_owned(), json!({"type": "Lead", "url": url}));
        for field in fields {
            shown.insert(field.clone(), self.value(field));
        }
        Value::Object(shown)
    }

    pub(super) fn view(&self) -> LeadView {
        LeadView {
            id: self.id.clone(),
            values: self.values.clone(),
            is_deleted: self.is_deleted,
            conversion: self.conversion.clone(),
            revisions: self.revisions.iter().map(|(_, revision)| *revision).collect(),
        }
    }
}

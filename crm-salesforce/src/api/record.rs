//! Records in, and what becomes of each.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RowError;

/// A body of Collections. The good records go through without the bad ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteBody {
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

/// What became of a record, in the request's order.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RowResult {
    /// The record; refused ones have none.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// Whether it was written.
    pub success: bool,
    /// Why not.
    pub errors: Vec<RowError>,
}

/// A page of a query.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Query {
    /// Whether this is all.
    pub done: bool,
    /// The records.
    pub records: Vec<LeadRecord>,
}

/// A lead as queries of ours show it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LeadRecord {
    /// Its id.
    #[serde(rename = "Id", deserialize_with = "text")]
    pub id: String,
    /// Our key.
    #[serde(rename = "Leads_Lead_Id__c", deserialize_with = "text")]
    pub key: String,
    /// Our revision; Salesforce's numbers have decimals.
    #[serde(rename = "Leads_Revision__c")]
    pub revision: Option<f64>,
    /// Whether sales made a contact of it.
    #[serde(rename = "IsConverted")]
    pub is_converted: bool,
}

impl WriteBody {
    /// Records of Lead with these fields.
    pub fn new(records: impl Iterator<Item = Map<String, Value>>) -> Self {
        let typed = |mut record: Map<String, Value>| {
            record.insert("attributes".to_owned(), serde_json::json!({"type": "Lead"}));
            record
        };
        Self {
            all_or_none: false,
            records: records.map(typed).collect(),
        }
    }
}

impl LeadRecord {
    /// Our revision; 0 if there is none.
    pub fn revision(&self) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "revisions are whole and far below 2^53"
        )]
        self.revision.map_or(0, |revision| revision as i64)
    }
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

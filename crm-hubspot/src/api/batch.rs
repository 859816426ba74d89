//! `POST …/batch/upsert`, `…/batch/update` and `…/batch/read`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error::ErrorBody;

/// The one shape of a batch write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchWrite {
    /// At most [`super::BATCH_MAX`] rows.
    pub inputs: Vec<WriteInput>,
}

/// One record to write.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteInput {
    /// Value of `id_property`; the record's id where that is absent.
    pub id: String,
    /// A property with unique values; absent for the record's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_property: Option<&'static str>,
    /// Values are text, whatever the property's type; an empty one clears.
    pub properties: BTreeMap<String, String>,
    /// Unique in the request. With it on every row HubSpot writes the good rows of a batch and answers 207.
    pub object_write_trace_id: String,
}

/// A batch read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRead {
    /// Property that `inputs` are values of; absent for record ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_property: Option<&'static str>,
    /// At most [`super::BATCH_MAX`] rows, each once.
    pub inputs: Vec<ReadInput>,
    /// What to return.
    pub properties: Vec<String>,
    /// Required by HubSpot's schema; always empty here.
    pub properties_with_history: Vec<String>,
}

/// One record to read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadInput {
    /// Record id, or value of the read's `idProperty`.
    pub id: String,
}

/// The body of any of the three.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchInput {
    /// Upsert or update.
    Write(BatchWrite),
    /// Read.
    Read(BatchRead),
}

impl Serialize for BatchInput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Write(body) => body.serialize(serializer),
            Self::Read(body) => body.serialize(serializer),
        }
    }
}

/// Answer to a batch call, 200 or 207. Rows come in any order; one that makes no sense is left out, so that it does not
/// cost its neighbours their answers.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct BatchAnswer {
    /// Rows that were written or found.
    #[serde(default, deserialize_with = "sensible")]
    pub results: Vec<Record>,
    /// Rows that were not.
    #[serde(default, deserialize_with = "sensible")]
    pub errors: Vec<ErrorBody>,
}

/// A contact as answers show it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The record's id; after a merge not the one that was asked for.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// Properties with a value.
    #[serde(default, deserialize_with = "texts")]
    pub properties: BTreeMap<String, String>,
    /// The row's trace id, on writes that sent one.
    #[serde(default)]
    pub object_write_trace_id: Option<String>,
    /// The record's page; not on every account.
    #[serde(default)]
    pub url: Option<String>,
}

impl Record {
    /// A property's value; absent, null and empty are the same to HubSpot.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

fn sensible<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(members) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    Ok(members
        .into_iter()
        .filter_map(|member| serde_json::from_value(member).ok())
        .collect())
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    as_text(value).ok_or_else(|| serde::de::Error::custom("expected a text"))
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(members) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    Ok(members
        .into_iter()
        .filter_map(|(name, value)| Some((name, as_text(value)?)))
        .collect())
}

/// HubSpot documents texts; numbers and booleans are read as what it would have written.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_nulls_and_unknown_members_is_read() {
        let answer: BatchAnswer = serde_json::from_str(
            r#"{"status":"COMPLETE","results":[{"id":"1","new":true,"properties":{"email":null,"a":"b"},"x":1}],
                "errors":null,"startedAt":"2026-11-22T00:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!(answer.results.len(), 1);
        assert_eq!(answer.results[0].property("email"), None);
        assert_eq!(answer.results[0].property("a"), Some("b"));
        assert!(answer.errors.is_empty());
    }

    #[test]
    fn a_row_that_makes_no_sense_does_not_cost_the_others_theirs() {
        let answer: BatchAnswer = serde_json::from_str(
            r#"{"results":[{"properties":{}},7,null,{"id":2,"properties":{"leads_revision":3,"x":[]}}],"errors":{}}"#,
        )
        .unwrap();
        assert_eq!(answer.results.len(), 1);
        assert_eq!(
            (
                answer.results[0].id.as_str(),
                answer.results[0].property("leads_revision")
            ),
            ("2", Some("3"))
        );
    }

    #[test]
    fn a_write_has_the_members_of_hubspots_schema_and_no_others() {
        let body = BatchWrite {
            inputs: vec![WriteInput {
                id: "lead_1".into(),
                id_property: Some("leads_lead_id"),
                properties: BTreeMap::from([("email".into(), "a@b.org".into())]),
                object_write_trace_id: "job_1".into(),
            }],
        };
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            serde_json::json!({"inputs": [{"id": "lead_1", "idProperty": "leads_lead_id",
                "properties": {"email": "a@b.org"}, "objectWriteTraceId": "job_1"}]})
        );
    }
}

//! Refusals: an array for a request, whose code is `errorCode`; rows of a Collections answer, whose code is `statusCode`.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One error of a refused request.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorItem {
    /// Such as `INVALID_SESSION_ID`.
    pub error_code: String,
    /// For people.
    pub message: String,
    /// Fields at fault.
    #[serde(deserialize_with = "names")]
    pub fields: Vec<String>,
}

/// One error of a refused record.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RowError {
    /// Such as `UNABLE_TO_LOCK_ROW`.
    pub status_code: String,
    /// For people.
    pub message: String,
    /// Fields at fault.
    #[serde(deserialize_with = "names")]
    pub fields: Vec<String>,
}

impl ErrorItem {
    /// The first error of a body; `None` if it is none of Salesforce's, such as a page of maintenance.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let items: Vec<Self> = serde_json::from_slice(body).ok()?;
        items.into_iter().next()
    }
}

/// Documented as an array; null has been seen.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let items = value.as_array().cloned().unwrap_or_default();
    Ok(items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

//! HubSpot's error envelope, as the body of a refused call and as a row of a 207. Every member may be missing, and
//! texts that HubSpot documents may be objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An error. An empty one is what remains of a body that is no JSON.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorBody {
    /// For people; the only place of some facts.
    #[serde(deserialize_with = "text")]
    pub message: String,
    /// Kind, such as `VALIDATION_ERROR`.
    #[serde(deserialize_with = "text")]
    pub category: String,
    /// Finer kind, such as `Properties.PROPERTY_WITH_NAME_EXISTS`.
    #[serde(deserialize_with = "text")]
    pub sub_category: String,
    /// Limit that was hit, such as `DAILY`; only on 429.
    #[serde(deserialize_with = "text")]
    pub policy_name: String,
    /// Code of a single error, on some answers beside `category`.
    #[serde(deserialize_with = "text")]
    pub code: String,
    /// HubSpot's id of the call, for its support.
    #[serde(deserialize_with = "text")]
    pub correlation_id: String,
    /// Details, a property each on validation errors.
    #[serde(deserialize_with = "details")]
    pub errors: Vec<ErrorDetail>,
    /// Facts by name, such as `objectWriteTraceId`, `ids`, `requiredGranularScopes`.
    #[serde(deserialize_with = "context")]
    pub context: BTreeMap<String, Vec<String>>,
}

/// One of an error's details.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorDetail {
    /// For people.
    #[serde(deserialize_with = "text")]
    pub message: String,
    /// Such as `PROPERTY_DOESNT_EXIST`.
    #[serde(deserialize_with = "text")]
    pub code: String,
    /// Property at fault.
    #[serde(deserialize_with = "text", rename = "in")]
    pub at: String,
    /// Facts by name, such as `propertyName`.
    #[serde(deserialize_with = "context")]
    pub context: BTreeMap<String, Vec<String>>,
}

impl ErrorBody {
    /// Reads a body; `None` if it is not a JSON object, such as HubSpot's error pages.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        if body.is_object() {
            serde_json::from_value(body).ok()
        } else {
            None
        }
    }

    /// Values of a fact, here and in the details.
    pub fn facts(&self, name: &str) -> Vec<&str> {
        std::iter::once(&self.context)
            .chain(self.errors.iter().map(|detail| &detail.context))
            .filter_map(|context| context.get(name))
            .flatten()
            .map(String::as_str)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// The details; where there are none, those in the JSON tail of `Property values were not valid: […]`.
    pub fn details(&self) -> Vec<ErrorDetail> {
        if !self.errors.is_empty() {
            return self.errors.clone();
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Invalid {
            #[serde(deserialize_with = "text")]
            message: String,
            #[serde(deserialize_with = "text")]
            error: String,
            #[serde(deserialize_with = "text")]
            name: String,
        }
        let Some((_, tail)) = self.message.split_once(": [") else {
            return Vec::new();
        };
        let invalid: Vec<Invalid> = serde_json::from_str(&format!("[{tail}")).unwrap_or_default();
        invalid
            .into_iter()
            .map(|one| ErrorDetail {
                message: one.message,
                code: one.error,
                at: one.name,
                ..Default::default()
            })
            .collect()
    }
}

impl ErrorDetail {
    /// The property at fault, if it is said.
    pub fn property(&self) -> Option<&str> {
        let named = self
            .context
            .get("propertyName")
            .and_then(|names| names.first())
            .map(String::as_str);
        named.or(Some(self.at.as_str())).filter(|name| !name.is_empty())
    }
}

/// A text, or anything else as an empty one.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        _ => String::new(),
    })
}

/// Details; members that are no objects are left out.
fn details<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ErrorDetail>, D::Error> {
    let Value::Array(members) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    let members = members.into_iter().filter(Value::is_object);
    Ok(members
        .filter_map(|member| serde_json::from_value(member).ok())
        .collect())
}

/// Lists of texts by name; a lone text counts as a list of one.
fn context<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let one = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let Value::Object(members) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    Ok(members
        .into_iter()
        .map(|(name, value)| match value {
            Value::Array(values) => (name, values.into_iter().filter_map(one).collect()),
            other => (name, one(other).into_iter().collect()),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_no_error_body() {
        assert_eq!(ErrorBody::parse(b"<!DOCTYPE html><html></html>"), None);
        assert_eq!(ErrorBody::parse(b""), None);
        assert_eq!(ErrorBody::parse(b"[]"), None);
    }

    #[test]
    fn members_of_another_type_are_read_as_missing() {
        let body = ErrorBody::parse(
            br#"{"message":7,"category":null,"subCategory":{},"errors":["x",{"code":"A"}],"context":{"id":"1","ids":[2,"3"]}}"#,
        )
        .unwrap();
        assert_eq!(
            (
                body.message.as_str(),
                body.category.as_str(),
                body.sub_category.as_str()
            ),
            ("", "", "")
        );
        assert_eq!(body.errors.len(), 1);
        assert_eq!(body.facts("id"), ["1"]);
        assert_eq!(body.facts("ids"), ["2", "3"]);
    }

    #[test]
    fn details_are_found_in_the_tail_of_the_message() {
        let body = ErrorBody::parse(
            br#"{"message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Email address x is invalid\",\"error\":\"INVALID_EMAIL\",\"name\":\"email\"}]"}"#,
        )
        .unwrap();
        let details = body.details();
        assert_eq!(details.len(), 1);
        assert_eq!(
            (details[0].code.as_str(), details[0].property()),
            ("INVALID_EMAIL", Some("email"))
        );
    }

    #[test]
    fn the_property_of_a_detail_may_stand_in_its_context_or_beside_it() {
        let body = ErrorBody::parse(
            br#"{"errors":[{"context":{"propertyName":["a"]},"in":"b"},{"in":"c"},{"message":"d"}]}"#,
        )
        .unwrap();
        let names: Vec<_> = body.errors.iter().map(ErrorDetail::property).collect();
        assert_eq!(names, [Some("a"), Some("c"), None]);
    }
}

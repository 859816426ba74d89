//! Bodies of the batch endpoints and of single writes, read as leniently as HubSpot reads them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// Inputs of one batch call.
pub(super) const BATCH_MAX: usize = 100;

/// Body of upsert, update, create and archive. Unknown fields are ignored, so a bare record is a body without
/// inputs, which HubSpot answers with an empty COMPLETE.
#[derive(Debug, Deserialize)]
pub(super) struct WriteBody {
    pub inputs: Option<Vec<Input>>,
}

/// One record to write.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(default, deserialize_with = "optional_text")]
    pub id: Option<String>,
    pub id_property: Option<String>,
    pub properties: Option<Pairs>,
    pub object_write_trace_id: Option<String>,
}

impl Input {
    pub fn pairs(&self) -> &[(String, String)] {
        self.properties.as_ref().map_or(&[], |pairs| &pairs.0)
    }
}

/// Body of batch/read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadBody {
    pub inputs: Option<Vec<Input>>,
    pub id_property: Option<String>,
    #[serde(default)]
    pub properties: Vec<String>,
    #[serde(default)]
    pub properties_with_history: Vec<String>,
}

/// Property names and values. Numbers and booleans become text; null is ignored, it does not clear
/// [github.com/HubSpot/hubspot-api-nodejs/issues/324].
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of property values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if let Some(value) = text(value).map_err(A::Error::custom)? {
                        pairs.push((name, value));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn text(value: Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Array(_) | Value::Object(_) => Err("Cannot deserialize value of type `java.lang.String`"),
    }
}

//! When each value of a contact was last given, so that a merge can tell the newest.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::contact::Field;

/// Times by field and by attribute, in microseconds since 1970. Kept inside the encrypted profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilledAt(BTreeMap<String, i64>);

impl FilledAt {
    /// When the field was last given; `None` if that was never noted.
    pub fn field(&self, field: Field) -> Option<DateTime<Utc>> {
        self.time(field.name())
    }

    /// When the attribute was last given; `None` if that was never noted.
    pub fn attribute(&self, key: &str) -> Option<DateTime<Utc>> {
        self.time(&attribute_name(key))
    }

    /// Notes when the field was given.
    pub fn set_field(&mut self, field: Field, at: DateTime<Utc>) {
        self.0.insert(field.name().to_owned(), at.timestamp_micros());
    }

    /// Notes when the attribute was given.
    pub fn set_attribute(&mut self, key: &str, at: DateTime<Utc>) {
        self.0.insert(attribute_name(key), at.timestamp_micros());
    }

    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        self.0
            .get(name)
            .and_then(|micros| DateTime::from_timestamp_micros(*micros))
    }
}

fn attribute_name(key: &str) -> String {
    format!("attributes.{key}")
}

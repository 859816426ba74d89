//! One contact: its values, its past, and how it looks from outside.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::clock::Clock;

/// Property name and value; names are shared with the schema.
pub(super) type Change = (Arc<str>, Arc<str>);

/// Values written by one request.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub at_ms: u64,
    /// `seq` of the request in the log; 0 for a write by a person (control API) or a merge.
    pub request: u64,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub id: u64,
    /// Without the values that HubSpot computes; nothing is stored for a cleared property.
    pub values: Vec<Change>,
    pub created_ms: u64,
    pub updated_ms: u64,
    pub archived_ms: Option<u64>,
    /// Ids of the records merged into this one.
    pub merged: Vec<u64>,
    /// Oldest first, bounded.
    pub history: VecDeque<Write>,
}

impl Contact {
    pub fn new(id: u64, at_ms: u64) -> Self {
        Self {
            id,
            values: Vec::new(),
            created_ms: at_ms,
            updated_ms: at_ms,
            archived_ms: None,
            merged: Vec::new(),
            history: VecDeque::new(),
        }
    }

    pub fn stored(&self, name: &str) -> Option<&Arc<str>> {
        self.values
            .iter()
            .find(|(stored, _)| &**stored == name)
            .map(|(_, value)| value)
    }

    /// Any property, computed ones included.
    pub fn value(&self, name: &str, clock: &Clock) -> Option<Arc<str>> {
        match name {
            "hs_object_id" => Some(self.id.to_string().into()),
            "createdate" => Some(clock.iso(self.created_ms).into()),
            "lastmodifieddate" => Some(clock.iso(self.updated_ms).into()),
            "hs_merged_object_ids" => {
                let ids: Vec<String> = self.merged.iter().map(u64::to_string).collect();
                (!ids.is_empty()).then(|| ids.join(";").into())
            }
            _ => self.stored(name).cloned(),
        }
    }

    /// The value as it was at `at_ms`, as far as the history reaches.
    pub fn value_at(&self, name: &str, at_ms: u64, clock: &Clock) -> Option<Arc<str>> {
        if self.updated_ms <= at_ms || self.history.is_empty() {
            return self.value(name, clock);
        }
        let mut past = self.history.iter().rev().filter(|write| write.at_ms <= at_ms);
        let written = past.find_map(|write| write.changes.iter().find(|(changed, _)| &**changed == name));
        written
            .map(|(_, value)| Arc::clone(value))
            .filter(|value| !value.is_empty())
    }

    /// Primary address and, `;`-separated, the others.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let primary = self.stored("email").map(|value| &**value);
        let others = self.stored("hs_additional_emails").map(|value| value.split(';'));
        primary
            .into_iter()
            .chain(others.into_iter().flatten())
            .filter(|address| !address.is_empty())
    }

    pub fn is_live(&self) -> bool {
        self.archived_ms.is_none()
    }

    /// Stores values and remembers the write; `""` clears.
    pub fn write(&mut self, mut changes: Vec<Change>, at_ms: u64, request: u64, keep: usize) {
        if self.values.is_empty() {
            self.values.reserve_exact(changes.len());
        }
        for (name, value) in &mut changes {
            let place = self.values.iter().position(|(stored, _)| stored == name);
            match place.and_then(|index| self.values.get_mut(index)) {
                // An unchanged value is kept once, however often it is written.
                Some(stored) if stored.1 == *value => *value = Arc::clone(&stored.1),
                Some(stored) => stored.1 = Arc::clone(value),
                None => self.values.push((Arc::clone(name), Arc::clone(value))),
            }
        }
        self.values.retain(|(_, value)| !value.is_empty());
        self.updated_ms = at_ms;
        if keep > 0 {
            while self.history.len() >= keep {
                self.history.pop_front();
            }
            self.history.push_back(Write {
                at_ms,
                request,
                changes,
            });
        }
    }
}

/// Properties of a record in an answer, in the order asked for; a missing value is `null`.
#[derive(Debug, Default)]
pub(super) struct Properties(pub Vec<(Arc<str>, Option<Arc<str>>)>);

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(&**name, &value.as_deref())?;
        }
        map.end()
    }
}

/// A record in an answer.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub id: String,
    pub properties: Properties,
    pub created_at: String,
    pub updated_at: String,
    pub archived: bool,
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<String>,
    /// Only in upserts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_write_trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties_with_history: Option<serde_json::Value>,
}

//! Property definitions of one portal: HubSpot's own and the customer's.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::built_in::built_in;

/// Unique properties allowed per object type [spec notes, properties v3].
const UNIQUE_MAX: usize = 10;

/// HubSpot's property types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Bool,
    Date,
    Datetime,
    Enumeration,
    Number,
    PhoneNumber,
    String,
}

impl Kind {
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
    }

    fn default_field(self) -> &'static str {
        match self {
            Self::Bool => "booleancheckbox",
            Self::Date | Self::Datetime => "date",
            Self::Enumeration => "select",
            Self::Number => "number",
            Self::PhoneNumber => "phonenumber",
            Self::String => "text",
        }
    }
}

/// One choice of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Choice {
    pub label: String,
    pub value: String,
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub display_order: i32,
    #[serde(default)]
    pub description: String,
}

#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: Arc<str>,
    pub label: String,
    pub description: String,
    pub kind: Kind,
    pub field_type: String,
    pub group: String,
    pub options: Vec<Choice>,
    pub unique: bool,
    /// Set by HubSpot only.
    pub read_only: bool,
    pub hubspot_defined: bool,
    /// Values are not checked against `options` (owners).
    pub external_options: bool,
    pub hidden: bool,
    pub form_field: bool,
    pub display_order: i32,
    pub created_ms: u64,
    pub updated_ms: u64,
    pub archived_ms: Option<u64>,
}

impl Definition {
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: Arc::from(name),
            label: name.to_owned(),
            description: String::new(),
            kind,
            field_type: kind.default_field().to_owned(),
            group: "contactinformation".to_owned(),
            options: Vec::new(),
            unique: false,
            read_only: false,
            hubspot_defined: false,
            external_options: false,
            hidden: false,
            form_field: false,
            display_order: -1,
            created_ms: 0,
            updated_ms: 0,
            archived_ms: None,
        }
    }

    pub fn built_in(name: &str, kind: Kind) -> Self {
        Self {
            hubspot_defined: true,
            ..Self::new(name, kind)
        }
    }
}

/// Why a definition is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Exists,
    TooManyUnique,
    NoSuchGroup,
}

/// Definitions and groups by name.
#[derive(Debug)]
pub(super) struct Schema {
    properties: BTreeMap<Arc<str>, Definition>,
    /// Name to label.
    pub groups: BTreeMap<String, String>,
}

impl Default for Schema {
    fn default() -> Self {
        let groups = [
            ("contactinformation", "Contact information"),
            ("emailinformation", "Email information"),
        ];
        let mut schema = Self {
            properties: BTreeMap::new(),
            groups: groups
                .map(|(name, label)| (name.to_owned(), label.to_owned()))
                .into(),
        };
        built_in()
            .into_iter()
            .for_each(|definition| schema.put(definition));
        schema
    }
}

impl Schema {
    /// Live definitions only: to a write an archived property does not exist.
    pub fn live(&self, name: &str) -> Option<&Definition> {
        self.properties
            .get(name)
            .filter(|definition| definition.archived_ms.is_none())
    }

    pub fn any(&self, name: &str) -> Option<&Definition> {
        self.properties.get(name)
    }

    pub fn any_mut(&mut self, name: &str) -> Option<&mut Definition> {
        self.properties.get_mut(name)
    }

    pub fn all(&self) -> impl Iterator<Item = &Definition> {
        self.properties.values()
    }

    /// Live custom properties whose values are unique; `email` is not among them.
    pub fn unique(&self) -> impl Iterator<Item = &Definition> {
        self.properties
            .values()
            .filter(|definition| definition.unique && definition.archived_ms.is_none())
    }

    /// Adds a definition; the name of an archived one brings it back, redefined, with its uniqueness as it was.
    pub fn create(&mut self, mut definition: Definition) -> Result<(), Refused> {
        if !self.groups.contains_key(&definition.group) {
            return Err(Refused::NoSuchGroup);
        }
        match self.properties.get(&definition.name) {
            Some(old) if old.archived_ms.is_none() => return Err(Refused::Exists),
            Some(old) => definition.unique = old.unique,
            None => {}
        }
        if definition.unique && self.unique().count() >= UNIQUE_MAX {
            return Err(Refused::TooManyUnique);
        }
        self.put(definition);
        Ok(())
    }

    fn put(&mut self, definition: Definition) {
        self.properties.insert(Arc::clone(&definition.name), definition);
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Kind, Refused, Schema};

    fn unique(name: &str) -> Definition {
        Definition {
            unique: true,
            ..Definition::new(name, Kind::String)
        }
    }

    #[test]
    fn the_eleventh_unique_property_is_refused() {
        let mut schema = Schema::default();
        for n in 0..10 {
            schema.create(unique(&format!("key_{n}"))).unwrap();
        }
        assert_eq!(schema.create(unique("key_10")), Err(Refused::TooManyUnique));
    }

    #[test]
    fn an_archived_name_can_be_posted_again_and_keeps_its_uniqueness() {
        let mut schema = Schema::default();
        schema.create(unique("lead_id")).unwrap();
        assert_eq!(schema.create(unique("lead_id")), Err(Refused::Exists));
        schema.any_mut("lead_id").unwrap().archived_ms = Some(5);
        assert!(schema.live("lead_id").is_none());
        schema.create(Definition::new("lead_id", Kind::String)).unwrap();
        assert!(schema.live("lead_id").unwrap().unique);
    }
}

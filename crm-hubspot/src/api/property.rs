//! `GET` and `POST /crm/v3/properties/contacts`.

use serde::{Deserialize, Serialize};

/// A property to create.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyCreate {
    /// Internal name.
    pub name: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// What it holds, for people.
    pub description: &'static str,
    /// Group of the contact's page.
    pub group_name: &'static str,
    /// `string`, `number` or `bool` here.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// How forms show it.
    pub field_type: &'static str,
    /// Whether no two contacts may share a value. Can be set at creation only; ten a portal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_unique_value: bool,
    /// Choices; `bool` needs its two.
    #[serde(skip_serializing_if = "<[PropertyOption]>::is_empty")]
    pub options: &'static [PropertyOption],
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyOption {
    /// Name for people.
    pub label: &'static str,
    /// What is stored.
    pub value: &'static str,
    /// Whether people cannot choose it.
    pub hidden: bool,
}

/// All properties of contacts.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PropertyList {
    /// The definitions.
    #[serde(default)]
    pub results: Vec<Property>,
}

/// A definition, as far as writes depend on it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Property {
    /// Internal name.
    pub name: String,
    /// Such as `string`, `number`, `bool`, `enumeration`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is computed by HubSpot.
    pub calculated: bool,
    /// Whether no two contacts share a value.
    pub has_unique_value: bool,
    /// Choices of an enumeration.
    pub options: Vec<Choice>,
    /// Whether the choices come from elsewhere, such as the account's users, and are not listed.
    pub external_options: bool,
    /// Absent on old definitions.
    pub modification_metadata: Option<Modification>,
}

/// A choice of an enumeration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// What is stored; compared case by case.
    pub value: String,
}

/// What may be changed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Modification {
    /// Whether values cannot be written.
    pub read_only_value: bool,
}

impl Property {
    /// Whether values can be written.
    pub fn writable(&self) -> bool {
        !self.calculated
            && !self
                .modification_metadata
                .as_ref()
                .is_some_and(|it| it.read_only_value)
    }
}

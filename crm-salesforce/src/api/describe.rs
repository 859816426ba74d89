//! What an org says about itself.

use serde::Deserialize;

/// Fields of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Describe {
    /// Whether the user may create records.
    pub createable: bool,
    /// Whether the user may change records.
    pub updateable: bool,
    /// The fields that the user may see.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Field {
    /// API name.
    pub name: String,
    /// Such as `string`, `double`, `boolean`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Longest text.
    pub length: usize,
    /// Whether it may be empty.
    pub nillable: bool,
    /// Whether it gets a value by itself.
    pub defaulted_on_create: bool,
    /// Whether the user may set it on new records.
    pub createable: bool,
    /// Whether the user may change it.
    pub updateable: bool,
    /// Whether records are found by it.
    pub external_id: bool,
    /// Whether no two records share a value.
    pub unique: bool,
}

/// A version of the API that the org serves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    /// Such as `62.0`.
    pub version: String,
}

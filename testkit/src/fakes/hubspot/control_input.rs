//! Queries and bodies of the control API. Without `portal` the first portal is meant.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct ContactQuery {
    pub portal: Option<u64>,
    /// With `value`: the one live contact of this address or unique value.
    pub property: Option<String>,
    pub value: Option<String>,
    #[serde(default)]
    pub after: u64,
    pub limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    pub portal: Option<u64>,
    pub id: Option<u64>,
    pub properties: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Merge {
    pub portal: Option<u64>,
    pub primary: u64,
    pub other: u64,
}

#[derive(Deserialize)]
pub(super) struct PropertyQuery {
    pub portal: Option<u64>,
    pub property: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct AnalysisQuery {
    pub portal: Option<u64>,
    pub window_ms: Option<u64>,
    pub revision: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Property {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub unique: bool,
}

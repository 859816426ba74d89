//! A portal as the control API and tests see and change it.

use serde::{Deserialize, Serialize};

/// Changes to a running portal; absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalPatch {
    /// Calls per app in any 10 s.
    pub burst: Option<usize>,
    /// Calls per day.
    pub daily_limit: Option<u64>,
    /// Calls already made today.
    pub daily_used: Option<u64>,
    /// Searches in any second.
    pub search_per_second: Option<usize>,
    /// How far search lags.
    pub search_lag_ms: Option<u64>,
    /// See [`super::PortalOptions::merge_keeps_primary_id`].
    pub merge_keeps_primary_id: Option<bool>,
    /// See [`super::PortalOptions::nulls_for_unset`].
    pub nulls_for_unset: Option<bool>,
    /// See [`super::PortalOptions::required_properties`].
    pub required_properties: Option<Vec<String>>,
}

/// A portal at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PortalView {
    /// Account number.
    pub portal_id: u64,
    /// Host of record links.
    pub ui_domain: String,
    /// Calls per app in any 10 s.
    pub burst: usize,
    /// Calls per day.
    pub daily_limit: u64,
    /// Calls accepted today.
    pub daily_used: u64,
    /// Calls that the limits answered with 429 since the start or the last reset.
    pub refused: u64,
    /// Contacts, the recycle bin included.
    pub contacts: usize,
}

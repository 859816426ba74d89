//! `GET /account-info/v3/details`.

use serde::Deserialize;

/// Whose credential it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDetails {
    /// HubSpot's account number.
    pub portal_id: u64,
    /// Host of the account's pages; accounts hosted in the EU have another.
    #[serde(default)]
    pub ui_domain: Option<String>,
}

//! A customer's separate set of leads, and how they are judged and routed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    consent_policy::{ConsentPolicy, SALES_CONTACT},
    contact::Field,
    icp::IdealCustomer,
    identity::Country,
    plan::Plan,
    retention::Retention,
};

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Identifier.
    pub id: Uuid,
    /// Name for people.
    pub name: String,
    /// How leads are judged and routed.
    pub settings: Settings,
    /// What it may use.
    pub plan: Plan,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// How leads are judged and routed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The customer that the workspace wants.
    #[serde(default)]
    pub ideal_customer: IdealCustomer,
    /// Score from which a lead is hot, 1 to 100.
    #[serde(default = "default_hot_threshold")]
    pub hot_threshold: u8,
    /// Score from which a lead is synced, 0 to 100.
    #[serde(default = "default_sync_threshold")]
    pub sync_threshold: u8,
    /// Fields without which a lead is not synced.
    #[serde(default)]
    pub required_fields: Vec<Field>,
    /// Whether addresses that reach one mailbox by their provider's rules are one lead.
    #[serde(default = "default_merge_address_variants")]
    pub merge_address_variants: bool,
    /// Where phone numbers without a country code are dialled; without it they are compared with none.
    #[serde(default)]
    pub country: Option<Country>,
    /// What a sync needs of the person's consent.
    #[serde(default)]
    pub consent_policy: ConsentPolicy,
    /// Purpose whose consent decides.
    #[serde(default = "default_consent_purpose")]
    pub consent_purpose: String,
    /// How long leads are kept.
    #[serde(default)]
    pub retention: Retention,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ideal_customer: IdealCustomer::default(),
            hot_threshold: default_hot_threshold(),
            sync_threshold: default_sync_threshold(),
            required_fields: Vec::new(),
            merge_address_variants: default_merge_address_variants(),
            country: None,
            consent_policy: ConsentPolicy::default(),
            consent_purpose: default_consent_purpose(),
            retention: Retention::default(),
        }
    }
}

const fn default_hot_threshold() -> u8 {
    80
}

const fn default_sync_threshold() -> u8 {
    50
}

const fn default_merge_address_variants() -> bool {
    true
}

fn default_consent_purpose() -> String {
    SALES_CONTACT.to_owned()
}

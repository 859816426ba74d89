//! The workspace's ideal customer: what a budget has to reach and which words name its products.

use serde::{Deserialize, Serialize};

/// Ideal-customer profile. Budgets are per year, in whole units of `currency`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdealCustomer {
    /// Smallest yearly budget that fits; without it every stated budget fits.
    #[serde(default)]
    pub budget_min: Option<u64>,
    /// Largest yearly budget that is usual; a larger one fits too.
    #[serde(default)]
    pub budget_max: Option<u64>,
    /// ISO 4217 code, upper case.
    #[serde(default)]
    pub currency: Option<String>,
    /// Words and phrases that name what the workspace sells.
    #[serde(default)]
    pub product_terms: Vec<String>,
}

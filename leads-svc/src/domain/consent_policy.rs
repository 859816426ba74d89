//! What a sync needs of the person's consent.

use serde::{Deserialize, Serialize};

use super::{consent::Standing, sync::Reason};

/// Code of syncs that the person's consent does not allow.
pub const NO_CONSENT: &str = "NO_CONSENT";
/// The purpose that decides, unless a workspace names another.
pub const SALES_CONTACT: &str = "sales_contact";

/// When leads may be synced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    /// Unless the person refused.
    #[default]
    LegitimateInterest,
    /// While the person's consent holds.
    Required,
}

impl ConsentPolicy {
    /// Whether what holds keeps a lead from being synced; `None` if the person was never asked.
    pub fn withholds(self, standing: Option<Standing>) -> bool {
        match (self, standing) {
            (_, Some(Standing::Given)) => false,
            (_, Some(Standing::Refused | Standing::Withdrawn)) => true,
            (ConsentPolicy::Required, None | Some(Standing::Expired)) => true,
            (ConsentPolicy::LegitimateInterest, None | Some(Standing::Expired)) => false,
        }
    }
}

/// Why a lead is not synced, for people.
pub fn no_consent(purpose: &str, standing: Option<Standing>) -> Reason {
    let what = match standing {
        None | Some(Standing::Given) => "was not asked for",
        Some(Standing::Expired) => "has expired",
        Some(Standing::Refused) => "was refused",
        Some(Standing::Withdrawn) => "was withdrawn",
    };
    Reason {
        code: NO_CONSENT.to_owned(),
        message: format!("consent to {purpose} {what}"),
        hint: format!("ask the person, and record the consent to {purpose} once it is given"),
        ..Reason::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_withholds_under_either_policy_and_silence_only_where_consent_is_required() {
        let table = [
            (None, false, true),
            (Some(Standing::Given), false, false),
            (Some(Standing::Expired), false, true),
            (Some(Standing::Refused), true, true),
            (Some(Standing::Withdrawn), true, true),
        ];
        for (standing, by_interest, by_consent) in table {
            assert_eq!(ConsentPolicy::LegitimateInterest.withholds(standing), by_interest);
            assert_eq!(ConsentPolicy::Required.withholds(standing), by_consent);
        }
    }
}

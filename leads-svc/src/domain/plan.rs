//! Plans: what each unlocks, and how much of it.

use serde::{Deserialize, Serialize};

/// What a workspace has paid for. A later plan has everything that an earlier one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Capture alone.
    Free,
    /// Capture and export.
    Starter,
    /// Scores, a CRM, and the fast lane for hot leads.
    Growth,
    /// Rubrics of one's own, work on many leads at once.
    Business,
    /// Everything, without limits of its own.
    Enterprise,
}

/// Something that a plan unlocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entitlement {
    /// Capture, read and change leads.
    Capture,
    /// Export leads.
    Export,
    /// See scores. They are computed on every plan, so that an upgrade shows them at once.
    Scoring,
    /// Write leads to a CRM.
    CrmSync,
    /// Hot leads overtake others on their way to the CRM.
    HotRouting,
    /// Rubrics of the workspace's own.
    CustomRubrics,
    /// One call that changes many leads.
    Bulk,
    /// Filters written as text.
    AdvancedFilters,
    /// Predicted probability of winning.
    Predictive,
    /// Members sign in through an identity provider.
    Sso,
    /// Destinations beyond the built-in ones.
    CustomIntegrations,
}

/// Something of which a plan gives a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// Captures stored in a calendar month (UTC): new leads, further captures of known people, contacts. Repeats
    /// with the same request id do not count.
    CapturesPerMonth,
    /// Calls of all keys in a minute, counted per replica.
    CallsPerMinute,
    /// API keys that are neither revoked, expired nor replaced.
    Keys,
    /// Connections to CRMs.
    Connections,
    /// Members.
    Members,
}

/// What each plan gives of each limit; absent is without limit.
const LIMITS: [(Limit, [Option<u64>; 5]); 5] = [
    (
        Limit::CapturesPerMonth,
        [Some(250), Some(2_500), Some(25_000), Some(250_000), None],
    ),
    (
        Limit::CallsPerMinute,
        [Some(120), Some(600), Some(3_000), Some(15_000), None],
    ),
    (Limit::Keys, [Some(3), Some(5), Some(20), Some(50), Some(100)]),
    (Limit::Connections, [Some(0), Some(0), Some(1), Some(5), None]),
    (Limit::Members, [Some(2), Some(5), Some(25), Some(100), None]),
];

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Plan; 5] = [
        Plan::Free,
        Plan::Starter,
        Plan::Growth,
        Plan::Business,
        Plan::Enterprise,
    ];

    /// The word in storage, settings and errors.
    pub const fn word(self) -> &'static str {
        match self {
            Plan::Free => "free",
            Plan::Starter => "starter",
            Plan::Growth => "growth",
            Plan::Business => "business",
            Plan::Enterprise => "enterprise",
        }
    }

    /// The plan of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.word() == word)
    }

    /// Whether the plan has it.
    pub fn allows(self, entitlement: Entitlement) -> bool {
        self >= entitlement.unlocked_by()
    }

    /// How much the plan gives; `None` is without limit.
    pub fn limit(self, limit: Limit) -> Option<u64> {
        LIMITS
            .iter()
            .find(|(listed, _)| *listed == limit)
            .and_then(|(_, by_plan)| by_plan.get(self as usize).copied().flatten())
    }

    /// The smallest plan that gives more than this one.
    pub fn raised_by(self, limit: Limit) -> Option<Plan> {
        let given = self.limit(limit)?;
        Self::ALL
            .into_iter()
            .find(|plan| *plan > self && plan.limit(limit).is_none_or(|more| more > given))
    }
}

impl Entitlement {
    /// Every entitlement.
    pub const ALL: [Entitlement; 11] = [
        Entitlement::Capture,
        Entitlement::Export,
        Entitlement::Scoring,
        Entitlement::CrmSync,
        Entitlement::HotRouting,
        Entitlement::CustomRubrics,
        Entitlement::Bulk,
        Entitlement::AdvancedFilters,
        Entitlement::Predictive,
        Entitlement::Sso,
        Entitlement::CustomIntegrations,
    ];

    /// The word in answers and errors.
    pub const fn word(self) -> &'static str {
        match self {
            Entitlement::Capture => "capture",
            Entitlement::Export => "export",
            Entitlement::Scoring => "scoring",
            Entitlement::CrmSync => "crm_sync",
            Entitlement::HotRouting => "hot_routing",
            Entitlement::CustomRubrics => "custom_rubrics",
            Entitlement::Bulk => "bulk",
            Entitlement::AdvancedFilters => "advanced_filters",
            Entitlement::Predictive => "predictive",
            Entitlement::Sso => "sso",
            Entitlement::CustomIntegrations => "custom_integrations",
        }
    }

    /// The smallest plan that has it.
    pub const fn unlocked_by(self) -> Plan {
        match self {
            Entitlement::Capture => Plan::Free,
            Entitlement::Export => Plan::Starter,
            Entitlement::Scoring | Entitlement::CrmSync | Entitlement::HotRouting => Plan::Growth,
            Entitlement::CustomRubrics
            | Entitlement::Bulk
            | Entitlement::AdvancedFilters
            | Entitlement::Predictive => Plan::Business,
            Entitlement::Sso | Entitlement::CustomIntegrations => Plan::Enterprise,
        }
    }
}

impl Limit {
    /// Every limit.
    pub const ALL: [Limit; 5] = [
        Limit::CapturesPerMonth,
        Limit::CallsPerMinute,
        Limit::Keys,
        Limit::Connections,
        Limit::Members,
    ];

    /// The word in answers and errors.
    pub const fn word(self) -> &'static str {
        match self {
            Limit::CapturesPerMonth => "captures_per_month",
            Limit::CallsPerMinute => "calls_per_minute",
            Limit::Keys => "keys",
            Limit::Connections => "connections",
            Limit::Members => "members",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_in_the_table_and_never_falls_with_a_larger_plan() {
        for limit in Limit::ALL {
            assert!(Plan::Free.limit(limit).is_some(), "{limit:?} is not listed");
            let given = Plan::ALL.map(|plan| plan.limit(limit).unwrap_or(u64::MAX));
            assert!(given.is_sorted(), "{limit:?}: {given:?}");
        }
    }

    #[test]
    fn a_limit_is_raised_by_the_next_plan_that_gives_more() {
        assert_eq!(Plan::Free.raised_by(Limit::Keys), Some(Plan::Starter));
        assert_eq!(Plan::Free.raised_by(Limit::Connections), Some(Plan::Growth));
        assert_eq!(Plan::Enterprise.raised_by(Limit::Keys), None);
    }

    #[test]
    fn an_entitlement_is_there_from_the_plan_that_unlocks_it() {
        for entitlement in Entitlement::ALL {
            for plan in Plan::ALL {
                assert_eq!(plan.allows(entitlement), plan >= entitlement.unlocked_by());
            }
        }
        assert!(!Plan::Starter.allows(Entitlement::Scoring));
        assert!(Plan::Growth.allows(Entitlement::CrmSync));
    }

    #[test]
    fn words_parse_back() {
        for plan in Plan::ALL {
            assert_eq!(Plan::parse(plan.word()), Some(plan));
        }
        assert_eq!(Plan::parse("Free"), None);
    }
}

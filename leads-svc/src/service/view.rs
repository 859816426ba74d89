//! A lead as callers see it.

use crate::{
    domain::{
        consent::Consent,
        contact::Contact,
        lead::Lead,
        plan::Entitlement,
        score::Score,
        sync::{self, Link, Provider},
    },
    service::core::Facts,
    storage::leads::Record,
};

/// A lead with everything that is shown beside it.
#[derive(Debug, Clone)]
pub struct LeadView {
    /// The lead.
    pub lead: Lead,
    /// The person.
    pub contact: Contact,
    /// The current score, if the plan shows it.
    pub score: Option<Score>,
    /// Consents, newest first.
    pub consents: Vec<Consent>,
    /// State per CRM.
    pub links: Vec<Link>,
}

impl LeadView {
    /// Derives what is shown from what is stored.
    pub fn new(record: Record, consents: Vec<Consent>, facts: &Facts) -> Self {
        let Record {
            lead,
            contact,
            score,
            mut jobs,
        } = record;
        let links = Provider::ALL
            .into_iter()
            .map(|provider| {
                sync::link(
                    provider,
                    facts.connection(provider).as_ref(),
                    jobs.remove(&provider),
                    lead.score,
                    contact.profile.filled(),
                    &facts.workspace.settings,
                )
            })
            .collect();
        Self {
            lead,
            contact,
            score: score.filter(|_| facts.workspace.plan.allows(Entitlement::Scoring)),
            consents,
            links,
        }
    }
}

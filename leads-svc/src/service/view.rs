//! A lead as callers see it.

use crate::{
    domain::{
        consent::{Consent, Standing},
        consent_policy::no_consent,
        contact::Contact,
        filter::Subject,
        lead::Lead,
        plan::Entitlement,
        score::Score,
        sync::{self, Link, Provider, Reason, Status},
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
    /// The lead as filters see it.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            lead: &self.lead,
            contact: &self.contact,
            score: self.score.as_ref(),
            links: &self.links,
        }
    }

    /// Derives what is shown from what is stored. `standing` is what holds for the workspace's consent purpose.
    pub fn new(record: Record, consents: Vec<Consent>, standing: Option<Standing>, facts: &Facts) -> Self {
        let Record {
            lead,
            contact,
            score,
            mut jobs,
        } = record;
        let settings = &facts.workspace.settings;
        let withheld = settings
            .consent_policy
            .withholds(standing)
            .then(|| no_consent(&settings.consent_purpose, standing));
        let links = Provider::ALL
            .into_iter()
            .map(|provider| {
                let link = sync::link(
                    provider,
                    facts.connection(provider).as_ref(),
                    jobs.remove(&provider),
                    lead.score,
                    contact.profile.filled(),
                    settings,
                );
                match &withheld {
                    Some(reason) => blocked(link, reason),
                    None => link,
                }
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

/// How a lead stands with a CRM that the person's consent keeps it from.
fn blocked(link: Link, reason: &Reason) -> Link {
    match link.status {
        Status::NotConnected | Status::BelowThreshold => link,
        Status::Blocked | Status::Pending | Status::Synced | Status::Error => Link {
            status: Status::Blocked,
            reason: Some(reason.clone()),
            pending_since: None,
            ..link
        },
    }
}

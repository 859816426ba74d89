//! Leads that may be one person.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::{
    domain::{
        contact::Contact,
        duplicates::{Candidate, Known, Reason, Signal, candidate, signals},
        identity::{Kind, Mark, noise::MOST_HOLDERS},
        lead::Lead,
    },
    service::{
        core::{Core, Facts},
        error::Result,
        principal::{Principal, Scope},
        view::LeadView,
    },
};

/// Most duplicates of an answer.
const MOST: usize = 50;

/// A lead that may be the same person as another.
#[derive(Debug)]
pub struct Duplicate {
    /// The lead.
    pub lead: LeadView,
    /// How likely it is, and why.
    pub candidate: Candidate,
}

impl Core {
    /// Leads that may be the same person as a lead, the likeliest first.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn list_duplicates(&self, principal: &Principal, id: Uuid) -> Result<Vec<Duplicate>> {
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let own = self.record(&facts, id).await?;
        let own_signals = signals_of(&own.contact, &facts);
        let mut holders: HashMap<&Signal, usize> = HashMap::new();
        let mut others: BTreeSet<Uuid> = BTreeSet::new();
        for signal in &own_signals {
            let leads = self
                .store
                .leads_by_mark(
                    facts.workspace.id,
                    &facts.keys,
                    &marks(signal),
                    MOST_HOLDERS as u64 + 1,
                )
                .await?;
            holders.insert(signal, leads.len());
            if leads.len() <= MOST_HOLDERS {
                others.extend(leads);
            }
        }
        others.remove(&own.lead.id);
        let others: Vec<Uuid> = others.into_iter().collect();
        let records = self
            .store
            .leads_by_id(facts.workspace.id, &facts.keys, &others)
            .await?;
        let leads: Vec<&Lead> = records.iter().map(|record| &record.lead).collect();
        let purpose = &facts.workspace.settings.consent_purpose;
        let standings = self.store.standings(facts.workspace.id, &leads, purpose).await?;
        let mut found: Vec<Duplicate> = records
            .into_iter()
            .filter_map(|record| {
                let shared = signals_of(&record.contact, &facts);
                let count = |signal: &Signal| holders.get(signal).copied().unwrap_or_default();
                let holds = standings.get(&record.lead.id).copied();
                Some(Duplicate {
                    candidate: candidate(&own_signals, &shared, count)?,
                    lead: LeadView::new(record, Vec::new(), holds, &facts),
                })
            })
            .collect();
        found.sort_by_key(|found| (std::cmp::Reverse(found.candidate.score), found.lead.lead.id));
        found.truncate(MOST);
        self.note_read(principal, &facts, "ListDuplicates", found.len());
        Ok(found)
    }
}

fn signals_of(contact: &Contact, facts: &Facts) -> BTreeSet<Signal> {
    let profile = &contact.profile;
    let known = Known {
        addresses: &profile.emails(),
        phones: &profile.phones(),
        visitors: &profile.visitors,
        name: profile.name.as_deref(),
        company: profile.company.as_deref(),
    };
    signals(known, facts.workspace.settings.country.as_ref())
}

/// What contacts with the signal are found by.
fn marks(signal: &Signal) -> Vec<Mark> {
    let kinds: &[Kind] = match signal.reason {
        // An address without a tag is found as itself.
        Reason::AddressVariant => &[Kind::AddressVariant, Kind::Email, Kind::Mailbox],
        Reason::Phone => &[Kind::Phone],
        Reason::Visitor => &[Kind::Visitor],
        Reason::NameAndCompany => &[Kind::NameAndCompany],
    };
    kinds
        .iter()
        .map(|kind| Mark::new(*kind, signal.value.as_str()))
        .collect()
}

//! What people agreed to or refused, outside of captures.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{
    capture::{MAX_TRIES, contended},
    core::{Core, Facts},
    error::Result,
    leads::{List, Page, broken},
    plan,
    principal::{Principal, Scope},
};
use crate::domain::consent::{Consent, Current, Standing, current};

/// The most that a consent has beside its text.
const DETAILS_BYTES: usize = 2_048;

/// What holds for a purpose.
#[derive(Debug, Clone)]
pub struct ConsentState {
    /// What holds.
    pub standing: Standing,
    /// The record that decides.
    pub record: Consent,
}

/// A page of consent records.
#[derive(Debug)]
pub struct Consents {
    /// The records, in the order in which they were recorded.
    pub page: Page<Consent>,
    /// What holds now, by purpose.
    pub states: Vec<ConsentState>,
}

impl Core {
    /// Records a consent of a lead; answers it as recorded, and what holds for its purpose now. A refusal gives up what
    /// is owed of the lead, a consent owes it again.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn record_consent(
        &self,
        principal: &Principal,
        lead_id: Uuid,
        mut consent: Consent,
    ) -> Result<(Consent, Option<ConsentState>)> {
        principal.require(Scope::PrivacyWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        consent.details.recorded_by = Some(actor.clone());
        for attempt in 0..MAX_TRIES {
            let group = self.group_of(&facts, lead_id).await?;
            let occasion = self.occasion(&facts, &actor);
            let planned = plan::record_consent(&occasion, group, lead_id, consent.clone());
            let write = planned.ok_or_else(|| broken(lead_id))?;
            if !self.store_write(&facts, write, attempt > 0).await? {
                continue;
            }
            let (_, states) = self.heard(&facts, lead_id).await?;
            // A consent of the future does not decide yet.
            let state = states
                .into_iter()
                .find(|state| state.record.purpose == consent.purpose);
            return Ok((consent, state));
        }
        Err(contended())
    }

    /// A page of a lead's consent records, and what holds now.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`, and those of page tokens.
    pub async fn list_consents(
        &self,
        principal: &Principal,
        lead_id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Consents> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let now = self.store.clock().now();
        let list = List::new(&facts, "ListConsents", &lead_id, size, now);
        let from = list.cursor::<usize>(token)?.unwrap_or_default();
        let (all, states) = self.heard(&facts, lead_id).await?;
        self.note_read(principal, &facts, "ListConsents", 1);
        let records = all.into_iter().enumerate().skip(from).collect();
        let page = list.page(
            records,
            |(_, consent)| consent.text.len() + DETAILS_BYTES,
            |(index, _)| index + 1,
        )?;
        Ok(Consents {
            page: page.map(|(_, consent)| consent),
            states,
        })
    }

    /// All that a person said, in the order in which it was recorded, and what holds now for each purpose.
    pub(super) async fn heard(&self, facts: &Facts, lead: Uuid) -> Result<(Vec<Consent>, Vec<ConsentState>)> {
        let shown = self.shown(facts, lead).await?;
        if !shown.has_absorbed {
            return self.heard_of(facts, shown.contact).await;
        }
        let group = self.silent_group_of(facts, shown.lead).await?;
        let members = group.members.iter();
        let leads: HashMap<Uuid, Uuid> = members.map(|(lead, member)| (member.contact.id, *lead)).collect();
        let contacts: Vec<Uuid> = leads.keys().copied().collect();
        let (workspace, now) = (facts.workspace.id, self.store.clock().now());
        let found = self
            .store
            .consent_records(workspace, &facts.keys, &contacts)
            .await?;
        let mut by_lead: HashMap<Uuid, Vec<Consent>> = HashMap::new();
        for (contact, record) in &found {
            if let Some(lead) = leads.get(contact) {
                by_lead.entry(*lead).or_default().push(record.clone());
            }
        }
        let records: Vec<Consent> = found.into_iter().map(|(_, record)| record).collect();
        let states = states(&records, |purpose| group.tree.consent(&by_lead, purpose, now));
        Ok((records, states))
    }

    /// The same of a contact by itself.
    pub(super) async fn heard_of(
        &self,
        facts: &Facts,
        contact: Uuid,
    ) -> Result<(Vec<Consent>, Vec<ConsentState>)> {
        let (workspace, now) = (facts.workspace.id, self.store.clock().now());
        let found = self
            .store
            .consent_records(workspace, &facts.keys, &[contact])
            .await?;
        let records: Vec<Consent> = found.into_iter().map(|(_, record)| record).collect();
        let states = states(&records, |purpose| current(&records, purpose, now));
        Ok((records, states))
    }
}

fn states<'a>(records: &[Consent], holds: impl Fn(&str) -> Option<Current<'a>>) -> Vec<ConsentState> {
    let purposes: BTreeSet<&str> = records.iter().map(|record| record.purpose.as_str()).collect();
    purposes
        .into_iter()
        .filter_map(holds)
        .map(|current| ConsentState {
            standing: current.standing,
            record: current.record.clone(),
        })
        .collect()
}

//! What people agreed to or refused, outside of captures.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    capture::{MAX_TRIES, contended},
    core::{Core, Facts},
    error::{Error, Result},
    leads::{List, Page},
    plan,
    principal::{Principal, Scope},
};
use crate::{
    domain::{
        activity::Kind,
        consent::{Consent, Standing, current},
    },
    storage::{
        capture::{ContactWrite, LeadWrite, Write},
        transaction::Prior,
    },
};

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
    /// Records a consent of a lead; answers it as recorded, and what holds for its purpose now. A refusal gives up what is owed of the lead, a consent owes it again.
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
            let write = self
                .plan_consent(&facts, &actor, lead_id, consent.clone())
                .await?;
            let contact = write.contact.as_ref().map(|contact| contact.id);
            if !self.store_write(&facts, write, attempt > 0).await? {
                continue;
            }
            let records = match contact {
                Some(contact) => self.records(&facts, contact).await?,
                None => Vec::new(),
            };
            let now = self.store.clock().now();
            // A consent of the future does not decide yet.
            let state = current(&records, &consent.purpose, now).map(|current| ConsentState {
                standing: current.standing,
                record: current.record.clone(),
            });
            return Ok((consent, state));
        }
        Err(contended())
    }

    async fn plan_consent(
        &self,
        facts: &Facts,
        actor: &str,
        lead_id: Uuid,
        consent: Consent,
    ) -> Result<Write> {
        let (mut known, mut lead) = self.known_lead(facts, lead_id).await?;
        let occasion = self.occasion(facts, actor);
        let mut write = Write::empty(facts.workspace.id);
        let held = plan::standing(&occasion, &known.consents);
        let said = if consent.given { "given" } else { "refused" };
        write.activities.push((
            lead.id,
            occasion.activity(
                Kind::ConsentRecorded,
                Vec::new(),
                format!("{} {said}", consent.purpose),
            ),
        ));
        known.consents.push(consent.clone());
        known
            .consents
            .sort_by_key(|consent| std::cmp::Reverse(consent.at));
        let holds = plan::standing(&occasion, &known.consents);
        let contact = known.person.contact;
        write
            .consents
            .push((leads_runtime::ids::new_id(occasion.clock), contact.id, consent));
        let prior = Prior::At(lead.revision);
        lead.revision += 1;
        lead.last_activity_at = occasion.now;
        let policy = facts.workspace.settings.consent_policy;
        if policy.withholds(held) != policy.withholds(holds) {
            let filled = contact.profile.filled();
            plan::owe(&occasion, &mut write, &lead, filled, &mut known.jobs, holds, None);
        }
        // The contact's revision moves as well, so that a capture which was planned before does not owe what the
        // person refused meanwhile.
        write.contact = Some(ContactWrite {
            id: contact.id,
            profile: contact.profile,
            attributes: contact.attributes,
            messages: known.person.messages,
            prior: Prior::At(known.person.revision),
            at: occasion.now,
        });
        write.lead = Some(LeadWrite { lead, prior });
        Ok(write)
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
        let contact = self
            .store
            .find_contact_of_lead(facts.workspace.id, lead_id)
            .await?
            .ok_or_else(|| Error::not_found("lead"))?;
        let all = self.records(&facts, contact).await?;
        self.note_read(principal, &facts, "ListConsents", 1);
        let states = self.consent_states(&all);
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

    /// What holds now for each purpose of the records.
    pub(super) fn consent_states(&self, records: &[Consent]) -> Vec<ConsentState> {
        let now = self.store.clock().now();
        let purposes: BTreeSet<&str> = records.iter().map(|record| record.purpose.as_str()).collect();
        purposes
            .into_iter()
            .filter_map(|purpose| current(records, purpose, now))
            .map(|current| ConsentState {
                standing: current.standing,
                record: current.record.clone(),
            })
            .collect()
    }

    pub(super) async fn records(&self, facts: &Facts, contact: Uuid) -> Result<Vec<Consent>> {
        Ok(self
            .store
            .consent_records(facts.workspace.id, &facts.keys, contact)
            .await?)
    }
}

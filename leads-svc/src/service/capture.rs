//! Captures and messages: read, plan, store in a group, repeat if somebody was faster.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use leads_proto::reason::Reason;
use uuid::Uuid;

use super::{
    core::{Core, Facts},
    error::{Error, Result},
    leads::{broken, is_grouped},
    plan::{self, Arrival, Collected, Known, Occasion, Whom},
    principal::{Principal, Scope},
    view::LeadView,
    writer::Verdict,
};
use crate::{
    domain::{
        capture::{Capture, MAX_CONVERSATION_BYTES, MAX_CONVERSATION_MESSAGES, Message, RequestKey},
        consent::Consent,
        identity::{Mark, address_key},
        lead::Lead,
    },
    storage::{
        self,
        capture::Write,
        contacts::{People, Person},
        idempotency::{self, Answer},
    },
};

/// Fresh reads of a person before a capture gives up.
pub(super) const MAX_TRIES: u32 = 8;
/// Syncs that a workspace may owe before batches are refused.
pub const MAX_OWED: u64 = 100_000;

/// A request id, and how the caller's answer becomes the bytes that are kept for it.
pub struct Request<'a, T> {
    /// Id and digest of the request.
    pub key: RequestKey,
    /// Encodes the answer.
    pub encode: &'a (dyn Fn(&T) -> Vec<u8> + Sync),
}

/// An answer that was computed now, or the bytes that an earlier call with the same id was answered.
#[derive(Debug)]
pub enum Answered<T> {
    /// Computed now.
    Now(T),
    /// Kept from the earlier call.
    Before(Vec<u8>),
}

/// What became of added messages.
#[derive(Debug)]
pub struct Appended {
    /// The lead, scored again.
    pub lead: Box<LeadView>,
    /// Messages that were new.
    pub appended: usize,
    /// Messages that the conversation already had.
    pub skipped: usize,
}

impl Core {
    /// Stores a capture; see the RPC.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `REQUEST_ID_REUSED`, `PLAN_LIMIT`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn collect(
        &self,
        principal: &Principal,
        capture: Capture,
        request: Option<Request<'_, Collected>>,
    ) -> Result<Answered<Collected>> {
        self.store_capture(principal, "CollectLead", None, capture, request)
            .await
    }

    /// Stores what came of a person: of the contact `target`, or of whoever it is found to be of.
    pub(super) async fn store_capture(
        &self,
        principal: &Principal,
        method: &'static str,
        target: Option<Uuid>,
        mut capture: Capture,
        request: Option<Request<'_, Collected>>,
    ) -> Result<Answered<Collected>> {
        principal.require(Scope::LeadsWrite)?;
        let workspace = principal.workspace()?;
        let facts = self.facts(workspace).await?;
        let actor = principal.actor();
        for consent in &mut capture.consents {
            consent.details.recorded_by = Some(actor.clone());
        }
        let merges_variants = facts.workspace.settings.merge_address_variants;
        let email = capture.profile.email.as_deref();
        let email = email.map(|email| address_key(email, merges_variants));
        let names: Vec<&str> = email
            .iter()
            .chain(&capture.profile.visitors)
            .map(String::as_str)
            .collect();
        let _turn = self.turns.take(workspace, &names).await;
        for attempt in 0..MAX_TRIES {
            if let Some(bytes) = self
                .answered_before(&facts, request.as_ref().map(|request| request.key), method)
                .await?
            {
                return Ok(Answered::Before(bytes));
            }
            let whom = self.whom(&facts, target, &capture).await?;
            let erased_at = whom.known.as_ref().and_then(|known| known.person.erased_at);
            check_erasure(erased_at, &capture.consents)?;
            check_size(whom.known.as_ref(), whom.joined.as_ref(), &capture.messages)?;
            let occasion = self.occasion(&facts, &actor);
            let lead = whom.known.as_ref().and_then(|known| known.person.lead.as_ref());
            let (mut write, collected) = match lead.filter(|lead| is_grouped(lead)).map(|lead| lead.id) {
                Some(lead) => {
                    let mut capture = capture.clone();
                    let arrival = Arrival {
                        source: lead,
                        messages: std::mem::take(&mut capture.messages),
                        conversation_id: capture.conversation_id.clone(),
                        capture: Some(capture),
                        joined: whom.joined,
                        next_place: whom.next_place,
                    };
                    let group = self.group_of(&facts, lead).await?;
                    let planned = plan::arrive(&occasion, group, arrival);
                    let (write, view, _) = planned.ok_or_else(|| broken(lead))?;
                    (write, Collected::Merged(view))
                }
                None => {
                    let planned = plan::capture(occasion, capture.clone(), whom);
                    (planned.write, planned.collected)
                }
            };
            let counted = self.count_capture(&facts)?;
            write.answer = request
                .as_ref()
                .map(|request| self.answer(request, method, &collected));
            if self.store_write(&facts, write, attempt > 0).await? {
                counted.keep(matches!(collected, Collected::Created(_)));
                return Ok(Answered::Now(collected));
            }
        }
        Err(contended())
    }

    /// Plans messages to one of the leads that a person is.
    pub(super) async fn arrive(
        &self,
        facts: &Facts,
        occasion: &Occasion<'_>,
        source: Uuid,
        messages: Vec<Message>,
        conversation_id: &str,
    ) -> Result<(Write, Box<LeadView>, usize)> {
        let group = self.group_of(facts, source).await?;
        let arrival = Arrival {
            source,
            capture: None,
            joined: None,
            next_place: 0,
            messages,
            conversation_id: conversation_id.to_owned(),
        };
        plan::arrive(occasion, group, arrival).ok_or_else(|| broken(source))
    }

    /// Who a capture is of. An address finds its person. A visitor id finds a person who is no lead yet; with an address
    /// nobody has, only one without any.
    async fn whom(&self, facts: &Facts, target: Option<Uuid>, capture: &Capture) -> Result<Whom> {
        let (workspace, keys) = (facts.workspace.id, &facts.keys);
        let profile = &capture.profile;
        let address = profile.email.as_deref();
        let marks = address.map(|address| Mark::of_address(address, &facts.workspace.settings));
        let visitor = profile.visitors.first().map(String::as_str);
        let People {
            by_address,
            by_visitor,
            next_place,
        } = self
            .store
            .find_people(workspace, keys, &marks.unwrap_or_default(), visitor)
            .await?;
        let named = match target {
            Some(id) => {
                let found = self.store.find_contact(workspace, keys, id).await?;
                let found = found.ok_or_else(|| Error::not_found("contact"))?;
                if let Some(other) = by_address.filter(|other| other.contact.id != id) {
                    if let Some(erased_at) = other.erased_at {
                        return Err(erased(erased_at));
                    }
                    let text = "the address belongs to another contact of the workspace; leads can be merged";
                    return Err(Error::new(Reason::AddressTaken, text));
                }
                Some(found)
            }
            None => by_address,
        };
        let is_anonymous = |person: &Person| person.contact.profile.email.is_none();
        let (person, joined) = match named {
            Some(person) => {
                let other = |found: &Person| found.contact.id != person.contact.id && is_anonymous(found);
                let joined = by_visitor.filter(other);
                (Some(person), joined)
            }
            None if address.is_some() => (by_visitor.filter(is_anonymous), None),
            None => (by_visitor.filter(|found| found.lead.is_none()), None),
        };
        Ok(Whom {
            known: match person {
                Some(person) => Some(self.known(facts, person).await?),
                None => None,
            },
            joined: match joined {
                Some(person) => Some(self.known(facts, person).await?),
                None => None,
            },
            next_place,
        })
    }

    /// Adds messages to a lead; see the RPC.
    ///
    /// # Errors
    /// As [`collect`](Self::collect), and `NOT_FOUND`.
    pub async fn append(
        &self,
        principal: &Principal,
        lead_id: Uuid,
        messages: Vec<Message>,
        conversation_id: &str,
        request: Option<Request<'_, Appended>>,
    ) -> Result<Answered<Appended>> {
        const METHOD: &str = "AppendConversation";
        principal.require(Scope::LeadsWrite)?;
        let workspace = principal.workspace()?;
        let facts = self.facts(workspace).await?;
        let actor = principal.actor();
        let given = messages.len();
        let (mut turn, mut email) = (Vec::new(), None::<String>);
        for attempt in 0..MAX_TRIES {
            if let (true, Some(email)) = (turn.is_empty(), &email) {
                let merges_variants = facts.workspace.settings.merge_address_variants;
                let name = address_key(email, merges_variants);
                turn = self.turns.take(workspace, &[&name]).await;
            }
            if let Some(bytes) = self
                .answered_before(&facts, request.as_ref().map(|request| request.key), METHOD)
                .await?
            {
                return Ok(Answered::Before(bytes));
            }
            let (known, lead) = self.known_lead(&facts, lead_id).await?;
            check_size(Some(&known), None, &messages)?;
            email.clone_from(&known.person.contact.profile.email);
            let occasion = self.occasion(&facts, &actor);
            let (mut write, lead, appended) = if is_grouped(&lead) {
                self.arrive(&facts, &occasion, lead.id, messages.clone(), conversation_id)
                    .await?
            } else {
                plan::append_messages(occasion, known, lead, messages.clone(), conversation_id)
            };
            let appended = Appended {
                lead,
                appended,
                skipped: given - appended,
            };
            write.answer = request
                .as_ref()
                .map(|request| self.answer(request, METHOD, &appended));
            if appended.appended == 0 && write.answer.is_none() {
                return Ok(Answered::Now(appended));
            }
            if self.store_write(&facts, write, attempt > 0).await? {
                return Ok(Answered::Now(appended));
            }
        }
        Err(contended())
    }

    /// Refuses batches while the workspace owes more than the service keeps.
    ///
    /// # Errors
    /// `BACKLOG_FULL`.
    pub async fn admit_batch(&self, principal: &Principal) -> Result<()> {
        let facts = self.facts(principal.workspace()?).await?;
        for connection in &facts.connections {
            let owed = self
                .store
                .count_owed(facts.workspace.id, connection.id, MAX_OWED)
                .await?;
            if owed >= MAX_OWED {
                return Err(Error::new(
                    Reason::BacklogFull,
                    format!(
                        "{MAX_OWED} leads wait for {}; repeat the call later",
                        connection.provider.name()
                    ),
                )
                .retry_after(std::time::Duration::from_secs(60)));
            }
        }
        Ok(())
    }

    /// Stores a planned write. False if somebody was faster, and the plan has to be made again from a fresh read.
    pub(super) async fn store_write(&self, facts: &Facts, write: Write, alone: bool) -> Result<bool> {
        let owes = !write.wants.is_empty();
        let sealed = self.store.seal(&facts.keys, write).await?;
        match self.writer.submit(facts.workspace.id, sealed, alone).await {
            Verdict::Stored => {
                if owes {
                    self.wake_delivery();
                }
                Ok(true)
            }
            Verdict::Failed(error) => match &*error {
                storage::Error::Conflict { .. } | storage::Error::Serialization(_) => Ok(false),
                storage::Error::Unavailable(_) | storage::Error::Timeout(_) => Err(Error::new(
                    Reason::StorageUnavailable,
                    "the database cannot be reached; repeat the call with the same request id",
                )
                .retry_after(std::time::Duration::from_secs(1))
                .because(Shared(error))),
                // It may be a neighbour's fault.
                storage::Error::Inconsistent { .. } | storage::Error::Statement(_) if !alone => Ok(false),
                storage::Error::Inconsistent { .. } | storage::Error::Statement(_) => {
                    Err(Error::internal(Shared(error)))
                }
            },
        }
    }

    pub(super) fn occasion<'a>(&'a self, facts: &'a Facts, actor: &'a str) -> Occasion<'a> {
        let clock = self.store.clock();
        Occasion {
            facts,
            actor,
            clock,
            now: clock.now(),
        }
    }

    /// A lead with everything that a change has to know.
    pub(super) async fn known_lead(&self, facts: &Facts, lead_id: Uuid) -> Result<(Known, Lead)> {
        let workspace = facts.workspace.id;
        let person = self
            .store
            .find_person_of_lead(workspace, &facts.keys, lead_id)
            .await?
            .ok_or_else(|| Error::not_found("lead"))?;
        let lead = person.lead.clone().ok_or_else(|| Error::not_found("lead"))?;
        Ok((self.known(facts, person).await?, lead))
    }

    pub(super) async fn known(&self, facts: &Facts, person: Person) -> Result<Known> {
        let workspace = facts.workspace.id;
        let contact = person.contact.id;
        let messages = self
            .store
            .messages(workspace, &facts.keys, contact, 0, u64::MAX >> 1)
            .await?;
        let consents = self.deciding_consents(facts, contact).await?;
        let record = match &person.lead {
            Some(lead) => self.store.find_lead(workspace, &facts.keys, lead.id).await?,
            None => None,
        };
        let (score, jobs) = record
            .map(|record| (record.score, record.jobs))
            .unwrap_or_default();
        Ok(Known {
            person,
            messages,
            score,
            jobs,
            consents,
        })
    }

    /// The newest consents of a contact, as many as are shown, and among them the one that decides about syncs.
    pub(super) async fn deciding_consents(&self, facts: &Facts, contact: Uuid) -> Result<Vec<Consent>> {
        let workspace = facts.workspace.id;
        let purpose = &facts.workspace.settings.consent_purpose;
        let consents = self
            .store
            .consents(workspace, &facts.keys, contact, plan::SHOWN_CONSENTS as u64)
            .await?;
        let decides = consents.iter().any(|consent| consent.purpose == *purpose);
        if decides || consents.len() < plan::SHOWN_CONSENTS {
            return Ok(consents);
        }
        // So many of other purposes that more has to be read to know.
        let mut all = self
            .store
            .consent_records(workspace, &facts.keys, &[contact])
            .await?;
        all.sort_by_key(|(_, consent)| consent.at);
        Ok(all.into_iter().rev().map(|(_, consent)| consent).collect())
    }

    pub(super) async fn answered_before(
        &self,
        facts: &Facts,
        key: Option<RequestKey>,
        method: &str,
    ) -> Result<Option<Vec<u8>>> {
        let Some(key) = key else { return Ok(None) };
        match self
            .store
            .find_answer(facts.workspace.id, &facts.keys, &key, method)
            .await?
        {
            None => Ok(None),
            Some(idempotency::Known::Answered(bytes)) => Ok(Some(bytes)),
            Some(idempotency::Known::Erased) => Err(Error::new(
                Reason::ErasedSubject,
                "the request was carried out before, and the person was erased since then",
            )),
            Some(idempotency::Known::Reused) => Err(Error::new(
                Reason::RequestIdReused,
                "the request id was used with another body or method; take a new one for a new request",
            )),
        }
    }

    pub(super) fn answer<T>(&self, request: &Request<'_, T>, method: &'static str, answer: &T) -> Answer {
        Answer {
            key: request.key,
            method,
            response: (request.encode)(answer),
            at: self.store.clock().now(),
        }
    }
}

/// Refuses a capture of an erased person, unless it carries a consent that was given since then.
fn check_erasure(erased_at: Option<DateTime<Utc>>, consents: &[Consent]) -> Result<()> {
    let Some(erased_at) = erased_at else { return Ok(()) };
    if consents
        .iter()
        .any(|consent| consent.given && consent.at > erased_at)
    {
        return Ok(());
    }
    Err(erased(erased_at))
}

fn erased(erased_at: DateTime<Utc>) -> Error {
    let text = "the person was erased; ask them, and send the consent that they gave since then with a capture of their \
                address";
    Error::new(Reason::ErasedSubject, text).with("erased_at", erased_at.to_rfc3339())
}

/// Refuses a conversation that would grow past what can be scored in one piece.
pub(super) fn check_size(known: Option<&Known>, joined: Option<&Known>, new: &[Message]) -> Result<()> {
    let before = || known.into_iter().chain(joined).flat_map(|known| &known.messages);
    let count = before().count() + new.len();
    let bytes = before().map(|message| message.text.len()).sum::<usize>()
        + new.iter().map(|message| message.text.len()).sum::<usize>();
    if count <= MAX_CONVERSATION_MESSAGES && bytes <= MAX_CONVERSATION_BYTES {
        return Ok(());
    }
    let text = format!(
        "the person's conversations would have {count} messages and {bytes} bytes; at most \
         {MAX_CONVERSATION_MESSAGES} and {MAX_CONVERSATION_BYTES} are kept"
    );
    Err(Error::new(Reason::LimitExceeded, text))
}

/// An error that several callers share.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Shared(Arc<storage::Error>);

pub(super) fn contended() -> Error {
    Error::new(
        Reason::Conflict,
        "too many calls changed the same lead at once; repeat the call",
    )
    .retry_after(std::time::Duration::from_millis(200))
}

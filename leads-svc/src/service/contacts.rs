//! People, whether or not they are leads.

use uuid::Uuid;

use super::{
    capture::{Answered, MAX_TRIES, Request, check_size, contended},
    core::Core,
    error::{Error, Result},
    leads::{List, Page, attribute_bytes, is_grouped},
    plan::{self, Collected},
    principal::{Principal, Scope},
};
use crate::{
    domain::{
        capture::{Capture, Message},
        contact::Contact,
        page::{ContactCursor, ContactQuery},
    },
    storage::contacts::Listed,
};

/// A contact with the lead that it is, if it is one.
#[derive(Debug, Clone)]
pub struct ContactView {
    /// The contact.
    pub contact: Contact,
    /// The lead.
    pub lead: Option<Uuid>,
}

impl From<Collected> for ContactView {
    fn from(collected: Collected) -> Self {
        match collected {
            Collected::Created(view) | Collected::Merged(view) => Self {
                lead: Some(view.lead.id),
                contact: view.contact,
            },
            Collected::Contact(contact) => Self {
                contact: *contact,
                lead: None,
            },
        }
    }
}

/// What became of messages that were added to a contact.
#[derive(Debug)]
pub struct AppendedToContact {
    /// The contact.
    pub view: ContactView,
    /// Messages that were new.
    pub appended: usize,
    /// Messages that the conversation already had.
    pub skipped: usize,
}

impl Core {
    /// Stores a person: the contact `target`, or whoever is found by address or visitor id.
    ///
    /// # Errors
    /// As [`collect`](Self::collect), `NOT_FOUND` and `ADDRESS_TAKEN`.
    pub async fn upsert_contact(
        &self,
        principal: &Principal,
        target: Option<Uuid>,
        capture: Capture,
        request: Option<Request<'_, Collected>>,
    ) -> Result<Answered<Collected>> {
        self.store_capture(principal, "UpsertContact", target, capture, request)
            .await
    }

    /// One contact.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn get_contact(&self, principal: &Principal, id: Uuid) -> Result<ContactView> {
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let found = self
            .store
            .find_contact(facts.workspace.id, &facts.keys, id)
            .await?;
        let person = found.ok_or_else(|| Error::not_found("contact"))?;
        self.note_read(principal, &facts, "GetContact", 1);
        Ok(ContactView {
            contact: person.contact,
            lead: person.lead.map(|lead| lead.merged_into.unwrap_or(lead.id)),
        })
    }

    /// A page of contacts, newest first.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, those of page tokens, `STORAGE_UNAVAILABLE`.
    pub async fn list_contacts(
        &self,
        principal: &Principal,
        query: &ContactQuery,
        size: u64,
        token: &str,
    ) -> Result<Page<ContactView>> {
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let list = List::new(&facts, "ListContacts", query, size, self.store.clock().now());
        let cursor = list.cursor::<ContactCursor>(token)?;
        let found = self
            .store
            .list_contacts(facts.workspace.id, &facts.keys, query, cursor, list.rows())
            .await?;
        let page = list.page(
            found,
            |listed| attribute_bytes(&listed.contact),
            |listed| ContactCursor {
                created_at: listed.created_at,
                id: listed.contact.id,
            },
        )?;
        self.note_read(principal, &facts, "ListContacts", page.items.len());
        Ok(page.map(|Listed { contact, lead, .. }| ContactView { contact, lead }))
    }

    /// Adds messages to a contact; one that is a lead is scored again.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn append_to_contact(
        &self,
        principal: &Principal,
        id: Uuid,
        messages: Vec<Message>,
        conversation_id: &str,
        request: Option<Request<'_, AppendedToContact>>,
    ) -> Result<Answered<AppendedToContact>> {
        const METHOD: &str = "AppendContactConversation";
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        let given = messages.len();
        let _turn = self.turns.take(facts.workspace.id, &[&id.to_string()]).await;
        for attempt in 0..MAX_TRIES {
            if let Some(bytes) = self
                .answered_before(&facts, request.as_ref().map(|request| request.key), METHOD)
                .await?
            {
                return Ok(Answered::Before(bytes));
            }
            let found = self
                .store
                .find_contact(facts.workspace.id, &facts.keys, id)
                .await?;
            let person = found.ok_or_else(|| Error::not_found("contact"))?;
            let known = self.known(&facts, person).await?;
            check_size(Some(&known), None, &messages)?;
            let occasion = self.occasion(&facts, &actor);
            let (mut write, view, appended) = match known.person.lead.clone() {
                Some(lead) if is_grouped(&lead) => {
                    let arrived = self.arrive(&facts, &occasion, lead.id, messages.clone(), conversation_id);
                    let (write, view, appended) = arrived.await?;
                    (write, Collected::Merged(view), appended)
                }
                Some(lead) => {
                    let (write, view, appended) =
                        plan::append_messages(occasion, known, lead, messages.clone(), conversation_id);
                    (write, Collected::Merged(view), appended)
                }
                None => {
                    let (write, contact, appended) =
                        plan::append_to_contact(occasion, known, messages.clone(), conversation_id);
                    (write, Collected::Contact(Box::new(contact)), appended)
                }
            };
            let appended = AppendedToContact {
                view: view.into(),
                appended,
                skipped: given - appended,
            };
            write.answer = request
                .as_ref()
                .map(|request| self.answer(request, METHOD, &appended));
            let is_stored = (appended.appended == 0 && write.answer.is_none())
                || self.store_write(&facts, write, attempt > 0).await?;
            if is_stored {
                return Ok(Answered::Now(appended));
            }
        }
        Err(contended())
    }
}

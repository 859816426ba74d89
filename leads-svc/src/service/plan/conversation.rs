//! Messages that are added to a conversation.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    known::Known,
    lead::{Before, change_lead},
    occasion::Occasion,
    owe::standing,
};
use crate::{
    domain::{
        capture::{Message, StoredMessage},
        contact::Contact,
        ids,
        lead::Lead,
    },
    service::view::LeadView,
    storage::{
        capture::{ContactWrite, Write},
        leads::Record,
        transaction::Prior,
    },
};

/// Plans the addition of messages to a lead.
pub fn append_messages(
    occasion: Occasion<'_>,
    known: Known,
    lead: Lead,
    new: Vec<Message>,
    conversation_id: &str,
) -> (Write, Box<LeadView>, usize) {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let Known {
        person,
        mut messages,
        score,
        jobs,
        consents,
    } = known;
    let contact = person.contact;
    let holds = standing(&occasion, &consents);
    let appended = append(
        &occasion,
        &mut write,
        contact.id,
        &mut messages,
        new,
        conversation_id,
    );
    if appended == 0 {
        let record = Record {
            lead,
            contact,
            score,
            jobs,
        };
        let view = LeadView::new(record, consents, holds, occasion.facts);
        return (write, Box::new(view), appended);
    }
    let prior = Prior::At(person.revision);
    write.contact = Some(ContactWrite::of(&contact, messages.len(), prior, occasion.now));
    let profile_before = contact.profile.clone();
    let before = Before {
        lead,
        is_new: false,
        contact,
        profile_before,
        messages,
        appended,
        score,
        jobs,
        consents,
        activity: None,
        standings: [holds, holds],
    };
    let view = change_lead(&occasion, &mut write, before, None);
    (write, view, appended)
}

/// Plans the addition of messages to a contact that is no lead.
pub fn append_to_contact(
    occasion: Occasion<'_>,
    known: Known,
    new: Vec<Message>,
    conversation_id: &str,
) -> (Write, Contact, usize) {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let Known {
        person, mut messages, ..
    } = known;
    let contact = person.contact;
    let appended = append(
        &occasion,
        &mut write,
        contact.id,
        &mut messages,
        new,
        conversation_id,
    );
    if appended > 0 {
        let prior = Prior::At(person.revision);
        write.contact = Some(ContactWrite::of(&contact, messages.len(), prior, occasion.now));
    }
    (write, contact, appended)
}

/// Adds messages of another contact of the same person, as far as the conversation does not have them yet.
pub(super) fn take_over(
    occasion: &Occasion<'_>,
    write: &mut Write,
    contact: Uuid,
    messages: &mut Vec<StoredMessage>,
    others: Vec<StoredMessage>,
) {
    let name = |message: &StoredMessage| (message.conversation_id.clone(), message.external_id.clone());
    let known: HashSet<(String, String)> = messages.iter().map(name).collect();
    for other in others {
        if !known.contains(&name(&other)) {
            let position = messages.len() as i64;
            let stored = StoredMessage { position, ..other };
            write.messages.push((occasion.id(), contact, stored.clone()));
            messages.push(stored);
        }
    }
}

/// Adds the messages that the conversation does not have yet; returns how many.
pub(super) fn append(
    occasion: &Occasion<'_>,
    write: &mut Write,
    contact: Uuid,
    messages: &mut Vec<StoredMessage>,
    new: Vec<Message>,
    conversation_id: &str,
) -> usize {
    let known: HashSet<String> = messages
        .iter()
        .filter(|message| message.conversation_id == conversation_id)
        .map(|message| message.external_id.clone())
        .collect();
    let mut appended = 0;
    for message in new {
        if message.external_id.as_ref().is_some_and(|id| known.contains(id)) {
            continue;
        }
        let id = occasion.id();
        let stored = StoredMessage {
            external_id: message
                .external_id
                .unwrap_or_else(|| ids::format::<ids::Message>(id)),
            conversation_id: conversation_id.to_owned(),
            position: messages.len() as i64,
            role: message.role,
            text: message.text,
            at: message.at,
        };
        write.messages.push((id, contact, stored.clone()));
        messages.push(stored);
        appended += 1;
    }
    appended
}

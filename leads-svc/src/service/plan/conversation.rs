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
    write.contact = Some(ContactWrite {
        id: contact.id,
        profile: contact.profile.clone(),
        attributes: contact.attributes.clone(),
        messages: messages.len() as i64,
        prior: Prior::At(person.revision),
        at: occasion.now,
    });
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
        standings: [holds, holds],
    };
    let view = change_lead(&occasion, &mut write, before, None);
    (write, view, appended)
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

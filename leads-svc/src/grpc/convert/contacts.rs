//! Contacts: from the wire, checked whole.

use chrono::{DateTime, Utc};
use leads_proto::leads::v1;
use prost::Message as _;
use uuid::Uuid;

use super::{
    capture::{conversation_id, is_silent, messages, person, request_key},
    query, words,
};
use crate::domain::{
    capture::{Capture, Message, RequestKey},
    contact::Profile,
    ids,
    lead::Channel,
    page::ContactQuery,
    violation::{Violation, Violations},
};

/// A person to store.
#[derive(Debug)]
pub struct Upsert {
    /// The contact that was named.
    pub target: Option<Uuid>,
    /// The person, as a capture that says nothing else.
    pub capture: Capture,
    /// What makes a repetition recognisable.
    pub key: Option<RequestKey>,
}

/// A person to store.
///
/// # Errors
/// Every violation.
pub fn upsert(request: v1::UpsertContactRequest, now: DateTime<Utc>) -> Result<Upsert, Vec<Violation>> {
    let mut violations = Violations::default();
    let key = request_key(
        &request.request_id,
        || {
            v1::UpsertContactRequest {
                request_id: String::new(),
                ..request.clone()
            }
            .encode_to_vec()
        },
        &mut violations,
    );
    let channel = words::read_channel("channel", request.channel, &mut violations);
    let contact = request.contact.unwrap_or_default();
    let target = (!contact.id.is_empty()).then(|| contact_id("contact.id", &contact.id, &mut violations));
    let (profile, attributes) = person(&contact, &mut violations);
    let is_empty = profile == Profile::default() && (is_silent(&contact) || violations.is_empty());
    if is_empty && contact.attributes.is_empty() {
        violations.add(
            "contact",
            "says nothing: give an email, a name, a phone number or a visitor id",
        );
    }
    let capture = Capture {
        channel: channel.unwrap_or(Channel::Api),
        profile,
        attributes,
        intent: None,
        consents: Vec::new(),
        messages: Vec::new(),
        conversation_id: String::new(),
        captured_at: now,
    };
    violations.into_result(Upsert { target, capture, key })
}

/// A contact's id and nothing else.
///
/// # Errors
/// Its violation.
pub fn only(id: &str) -> Result<Uuid, Vec<Violation>> {
    let mut violations = Violations::default();
    let id = contact_id("contact_id", id, &mut violations);
    violations.into_result(id)
}

/// Which contacts, and how many a page.
///
/// # Errors
/// Every violation.
pub fn list(request: &v1::ListContactsRequest) -> Result<(ContactQuery, u64), Vec<Violation>> {
    let mut violations = Violations::default();
    let size = query::page_size(request.page_size, &mut violations);
    let query = ContactQuery {
        words: query::words(&request.q, &mut violations),
        without_lead: request.without_lead,
    };
    violations.into_result((query, size))
}

/// Messages to append to a contact's conversation.
#[derive(Debug)]
pub struct Append {
    /// The contact.
    pub contact: Uuid,
    /// What makes a repetition recognisable.
    pub key: Option<RequestKey>,
    /// The caller's id of the conversation.
    pub conversation_id: String,
    /// The messages.
    pub messages: Vec<Message>,
}

/// What to append to which contact.
///
/// # Errors
/// Every violation.
pub fn append(
    request: v1::AppendContactConversationRequest,
    now: DateTime<Utc>,
) -> Result<Append, Vec<Violation>> {
    let mut violations = Violations::default();
    let contact = contact_id("contact_id", &request.contact_id, &mut violations);
    let key = request_key(
        &request.request_id,
        || {
            v1::AppendContactConversationRequest {
                request_id: String::new(),
                ..request.clone()
            }
            .encode_to_vec()
        },
        &mut violations,
    );
    conversation_id(&request.conversation_id, &mut violations);
    if request.messages.is_empty() {
        violations.add("messages", "must have at least one entry");
    }
    let messages = messages(&request.messages, now, now, &mut violations);
    violations.into_result(Append {
        contact,
        key,
        conversation_id: request.conversation_id,
        messages,
    })
}

fn contact_id(field: &str, id: &str, violations: &mut Violations) -> Uuid {
    ids::parse::<ids::Contact>(id).unwrap_or_else(|problem| {
        violations.add(field, problem);
        Uuid::nil()
    })
}

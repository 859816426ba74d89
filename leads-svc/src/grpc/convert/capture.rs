//! Captures: from the wire, checked whole.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use leads_proto::leads::v1;
use prost::Message as _;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{consent, query, times, words};
use crate::domain::{
    capture::{Capture, MAX_BATCH, MAX_CONSENTS, MAX_MESSAGES, MAX_TEXT_BYTES, Message, RequestKey},
    consent::Consent,
    contact::{Profile, RawProfile, check_attributes},
    lead::{Channel, Intent},
    text,
    violation::{Violation, Violations},
};

const MAX_ID: usize = 128;

/// A capture, and what makes its repetition recognisable.
///
/// # Errors
/// Every violation.
pub fn capture(
    request: v1::CollectLeadRequest,
    now: DateTime<Utc>,
) -> Result<(Capture, Option<RequestKey>), Vec<Violation>> {
    let mut violations = Violations::default();
    let key = request_key(
        &request.request_id,
        || {
            v1::CollectLeadRequest {
                request_id: String::new(),
                ..request.clone()
            }
            .encode_to_vec()
        },
        &mut violations,
    );
    let channel = words::read_channel("channel", request.channel, &mut violations);
    let channel =
        words::required("channel", channel, request.channel, &mut violations).unwrap_or(Channel::Api);
    let captured_at = times::read_past("captured_at", request.captured_at.as_ref(), now, &mut violations);
    let contact = request.contact.unwrap_or_default();
    let (profile, attributes) = person(&contact, &mut violations);
    let intent = request
        .intent
        .map(|given| intent(&given, captured_at, &mut violations));
    let consents = consents(&request.consents, channel, (captured_at, now), &mut violations);
    let messages = messages(&request.messages, captured_at, now, &mut violations);
    conversation_id(&request.conversation_id, &mut violations);
    let is_empty = profile == Profile::default() && (is_silent(&contact) || violations.is_empty());
    if is_empty && request.messages.is_empty() {
        violations.add(
            "contact",
            "says nothing: give an email, a name, a phone number, a visitor id or a message",
        );
    }
    let capture = Capture {
        channel,
        profile,
        attributes,
        intent,
        consents,
        messages,
        conversation_id: request.conversation_id,
        captured_at,
    };
    violations.into_result((capture, key))
}

/// Checks how many captures a batch has.
///
/// # Errors
/// The violation.
pub fn batch(captures: usize) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::default();
    if !(1..=MAX_BATCH).contains(&captures) {
        violations.add(
            "requests",
            format!("must have 1 to {MAX_BATCH} entries, has {captures}"),
        );
    }
    violations.into_result(())
}

/// Messages to append to a conversation.
#[derive(Debug)]
pub struct Append {
    /// The lead.
    pub lead: Uuid,
    /// What makes a repetition recognisable.
    pub key: Option<RequestKey>,
    /// The caller's id of the conversation.
    pub conversation_id: String,
    /// The messages.
    pub messages: Vec<Message>,
}

/// What to append where.
///
/// # Errors
/// Every violation.
pub fn append(request: v1::AppendConversationRequest, now: DateTime<Utc>) -> Result<Append, Vec<Violation>> {
    let mut violations = Violations::default();
    let lead = query::lead("lead_id", &request.lead_id, &mut violations);
    let key = request_key(
        &request.request_id,
        || {
            v1::AppendConversationRequest {
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
        lead,
        key,
        conversation_id: request.conversation_id,
        messages,
    })
}

/// Whether nothing is said of the person, be it valid or not.
pub(super) fn is_silent(contact: &v1::Contact) -> bool {
    [
        &contact.email,
        &contact.name,
        &contact.phone,
        &contact.company,
        &contact.title,
        &contact.visitor_id,
    ]
    .iter()
    .all(|text| text.trim().is_empty())
}

/// Checks a person.
pub(super) fn person(
    contact: &v1::Contact,
    violations: &mut Violations,
) -> (Profile, BTreeMap<String, String>) {
    let raw = RawProfile {
        email: &contact.email,
        name: &contact.name,
        phone: &contact.phone,
        company: &contact.company,
        title: &contact.title,
        visitor_id: &contact.visitor_id,
    };
    let profile = Profile::check("contact", raw, violations);
    let attributes = check_attributes("contact.attributes", contact.attributes.iter(), violations);
    (profile, attributes)
}

/// Checks messages that are to be stored.
pub(super) fn messages(
    given: &[v1::Message],
    default_at: DateTime<Utc>,
    now: DateTime<Utc>,
    violations: &mut Violations,
) -> Vec<Message> {
    if given.len() > MAX_MESSAGES {
        violations.add(
            "messages",
            format!("has {} entries; at most {MAX_MESSAGES} are allowed", given.len()),
        );
        return Vec::new();
    }
    let mut seen = std::collections::HashSet::new();
    let mut checked = Vec::with_capacity(given.len());
    for (index, message) in given.iter().enumerate() {
        let at = |field: &str| format!("messages[{index}].{field}");
        if message.id.len() > MAX_ID || message.id.chars().any(char::is_control) {
            violations.add(
                at("id"),
                format!("must have at most {MAX_ID} bytes and no control characters"),
            );
        } else if !message.id.is_empty() && !seen.insert(message.id.as_str()) {
            violations.add(at("id"), "is the id of another message of this request");
        }
        let role = words::read_role(&at("role"), message.role, violations);
        let role = words::required(&at("role"), role, message.role, violations);
        if message.text.is_empty() {
            violations.add(at("text"), "is required");
        } else if message.text.len() > MAX_TEXT_BYTES {
            violations.add(
                at("text"),
                format!(
                    "has {} bytes; at most {MAX_TEXT_BYTES} are allowed",
                    message.text.len()
                ),
            );
        } else if message.text.contains('\0') {
            violations.add(at("text"), "holds a NUL character");
        }
        let time = match &message.at {
            None => default_at,
            time => times::read_past(&at("at"), time.as_ref(), now, violations),
        };
        if let Some(role) = role {
            checked.push(Message {
                external_id: (!message.id.is_empty()).then(|| message.id.clone()),
                role,
                text: message.text.clone(),
                at: time,
            });
        }
    }
    checked
}

/// Checks the caller's id of a conversation.
pub(super) fn conversation_id(id: &str, violations: &mut Violations) {
    if id.len() > MAX_ID || id.chars().any(char::is_control) {
        violations.add(
            "conversation_id",
            format!("must have at most {MAX_ID} bytes and no control characters"),
        );
    }
}

/// Checks a request id; `body` encodes the request without it.
pub(super) fn request_key(
    id: &str,
    body: impl FnOnce() -> Vec<u8>,
    violations: &mut Violations,
) -> Option<RequestKey> {
    Some(RequestKey {
        id: request_id(id, violations)?,
        digest: Sha256::digest(body()).into(),
    })
}

/// The caller's id of the request; `None` if there is none, or it is not valid.
pub fn request_id(id: &str, violations: &mut Violations) -> Option<Uuid> {
    if id.is_empty() {
        return None;
    }
    let parsed = Uuid::try_parse(id).ok().filter(|id| !id.is_nil());
    if parsed.is_none() {
        violations.add("request_id", "must be a UUID other than the nil one, or empty");
    }
    parsed
}

fn intent(given: &v1::Intent, captured_at: DateTime<Utc>, violations: &mut Violations) -> Intent {
    text::name("intent.signal", &given.signal, 64, violations);
    let detail = text::optional("intent.detail", &given.detail, 1_000, violations);
    Intent {
        signal: given.signal.clone(),
        detail: detail.unwrap_or_default(),
        at: match &given.at {
            None => captured_at,
            at => times::read("intent.at", at.as_ref(), violations).unwrap_or(captured_at),
        },
    }
}

fn consents(
    given: &[v1::Consent],
    channel: Channel,
    times: (DateTime<Utc>, DateTime<Utc>),
    violations: &mut Violations,
) -> Vec<Consent> {
    if given.len() > MAX_CONSENTS {
        violations.add(
            "consents",
            format!("has {} entries; at most {MAX_CONSENTS} are allowed", given.len()),
        );
        return Vec::new();
    }
    given
        .iter()
        .enumerate()
        .map(|(index, given)| {
            let prefix = format!("consents[{index}]");
            consent::read(&prefix, given, channel, times, violations)
        })
        .collect()
}

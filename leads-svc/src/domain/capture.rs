//! What a channel hands over: a checked capture.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    consent::Consent,
    contact::Profile,
    conversation::Role,
    lead::{Channel, Intent},
};

/// Most messages of one call.
pub const MAX_MESSAGES: usize = 1_000;
/// Most bytes of a message's text.
pub const MAX_TEXT_BYTES: usize = 32 * 1_024;
/// Most consents of one call.
pub const MAX_CONSENTS: usize = 20;
/// Most messages that are kept of one person.
pub const MAX_CONVERSATION_MESSAGES: usize = 10_000;
/// Most bytes of text that are kept of one person.
pub const MAX_CONVERSATION_BYTES: usize = 4 * 1_024 * 1_024;
/// Most captures of one batch.
pub const MAX_BATCH: usize = 500;

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The caller's id; `None` if the caller gave none.
    pub external_id: Option<String>,
    /// Who spoke.
    pub role: Role,
    /// What was said.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The id that callers see: theirs, or ours.
    pub external_id: String,
    /// The caller's conversation; may be empty.
    pub conversation_id: String,
    /// Place in the transcript, from 0.
    pub position: i64,
    /// Who spoke.
    pub role: Role,
    /// What was said.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A capture, checked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Where it came from.
    pub channel: Channel,
    /// The person.
    pub profile: Profile,
    /// Facts that lists can filter by.
    pub attributes: BTreeMap<String, String>,
    /// The buying-intent signal, if there was one.
    pub intent: Option<Intent>,
    /// What the person agreed to or refused.
    pub consents: Vec<Consent>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The caller's id of it; may be empty.
    pub conversation_id: String,
    /// When.
    pub captured_at: DateTime<Utc>,
}

/// What makes a repeated call recognisable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's id of the request.
    pub id: Uuid,
    /// SHA-256 of the request's bytes without the id.
    pub digest: [u8; 32],
}

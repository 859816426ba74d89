//! Rows to domain values and back, where encryption or words stand between.

use base64::{Engine, engine::general_purpose::STANDARD};
use sea_orm::JsonValue;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    crypto::{Opens, Place, Seals},
    entity::{activity, contact, lead, message, score},
    error::{Error, Result},
};
use crate::domain::{
    activity::Activity,
    capture::StoredMessage,
    contact::{Contact, KeyRef},
    conversation::Role,
    lead::{Channel, Intent, Lead, Outcome, Stage},
    score::Score,
    sync::Reason,
};

pub(super) const PROFILE: &str = "contacts.profile";
pub(super) const SEEN: &str = "contacts.seen_sealed";
pub(super) const OWN: &str = "leads.own_sealed";
pub(super) const CHOICES: &str = "merges.sealed";
pub(super) const INTENT: &str = "leads.intent_sealed";
pub(super) const MESSAGE: &str = "messages.sealed";
pub(super) const SCORE: &str = "scores.sealed";
pub(super) const ACTIVITY: &str = "activities.sealed";

pub(super) fn seal(key: &impl Seals, column: &'static str, row: Uuid, plain: &[u8]) -> Result<Vec<u8>> {
    key.seal(Place { column, row }, plain)
        .map_err(|problem| unreadable(column, row, problem))
}

pub(super) fn seal_json<T: Serialize>(
    key: &impl Seals,
    column: &'static str,
    row: Uuid,
    value: &T,
) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(value).map_err(|problem| unreadable(column, row, problem))?;
    seal(key, column, row, &plain)
}

pub(super) fn open(keys: &impl Opens, column: &'static str, row: Uuid, sealed: &[u8]) -> Result<Vec<u8>> {
    keys.open(Place { column, row }, sealed)
        .map_err(|problem| unreadable(column, row, problem))
}

pub(super) fn open_json<T: DeserializeOwned>(
    keys: &impl Opens,
    column: &'static str,
    row: Uuid,
    sealed: &[u8],
) -> Result<T> {
    let plain = open(keys, column, row, sealed)?;
    serde_json::from_slice(&plain).map_err(|problem| unreadable(column, row, problem))
}

pub(super) fn open_text(keys: &impl Opens, column: &'static str, row: Uuid, sealed: &[u8]) -> Result<String> {
    String::from_utf8(open(keys, column, row, sealed)?).map_err(|problem| unreadable(column, row, problem))
}

fn unreadable(column: &'static str, row: Uuid, problem: impl ToString) -> Error {
    let (table, column) = column.split_once('.').unwrap_or((column, ""));
    Error::inconsistent(table, column, row, problem)
}

/// The value of a stored word.
pub(super) fn word<T>(value: Option<T>, column: &'static str, row: Uuid, word: &str) -> Result<T> {
    value.ok_or_else(|| unreadable(column, row, format!("{word:?} is not a known word")))
}

/// A stored JSON value as a type.
pub(super) fn json<T: DeserializeOwned>(column: &'static str, row: Uuid, value: JsonValue) -> Result<T> {
    serde_json::from_value(value).map_err(|problem| unreadable(column, row, problem))
}

/// A value as JSON; the types that are stored so cannot fail.
pub(super) fn to_json<T: Serialize>(value: &T) -> JsonValue {
    serde_json::to_value(value).unwrap_or(JsonValue::Null)
}

pub(super) const REASON: &str = "sync_jobs.reason";

/// Why a job does not go on, encrypted: a CRM's words may quote the person.
pub(super) fn seal_reason(key: &impl Seals, job: Uuid, reason: &Reason) -> Result<JsonValue> {
    Ok(encoded(seal_json(key, REASON, job, reason)?))
}

/// Something sealed, as it stands in a column of JSON.
pub(super) fn encoded(sealed: Vec<u8>) -> JsonValue {
    JsonValue::String(STANDARD.encode(sealed))
}

/// A stored reason; those that we make ourselves may be in the open.
pub(super) fn open_reason(keys: &impl Opens, job: Uuid, stored: JsonValue) -> Result<Reason> {
    match sealed_reason(job, &stored)? {
        Some(sealed) => open_json(keys, REASON, job, &sealed),
        None => json(REASON, job, stored),
    }
}

/// What is encrypted of a stored reason, if it is.
pub(super) fn sealed_reason(job: Uuid, stored: &JsonValue) -> Result<Option<Vec<u8>>> {
    let JsonValue::String(sealed) = stored else {
        return Ok(None);
    };
    STANDARD
        .decode(sealed)
        .map(Some)
        .map_err(|problem| unreadable(REASON, job, problem))
}

/// Everything sealed of a contact's row.
pub(super) fn of_contact(row: &contact::Model) -> impl Iterator<Item = &[u8]> {
    std::iter::once(row.profile.as_slice()).chain(row.seen_sealed.as_deref())
}

/// Everything sealed of a lead's row.
pub(super) fn of_lead(row: &lead::Model) -> impl Iterator<Item = &[u8]> {
    std::iter::once(row.intent_sealed.as_slice()).chain(row.own_sealed.as_deref())
}

pub(super) fn contact(keys: &impl Opens, row: contact::Model) -> Result<Contact> {
    let mut contact = Contact {
        id: row.id,
        profile: open_json(keys, PROFILE, row.id, &row.profile)?,
        attributes: json("contacts.attributes", row.id, row.attributes)?,
        seen: row
            .seen_sealed
            .map(|sealed| open_json(keys, SEEN, row.id, &sealed))
            .transpose()?
            .unwrap_or_default(),
        key: KeyRef(row.key_id),
    };
    contact.assume_filled_at(row.created_at);
    Ok(contact)
}

pub(super) fn lead(keys: &impl Opens, row: lead::Model) -> Result<Lead> {
    let id = row.id;
    let channels: Vec<String> = json("leads.channels", id, row.channels)?;
    Ok(Lead {
        id,
        contact_id: row.contact_id,
        stage: word(Stage::parse(&row.stage), "leads.stage", id, &row.stage)?,
        outcome: row
            .outcome
            .map(|outcome| word(Outcome::parse(&outcome), "leads.outcome", id, &outcome))
            .transpose()?,
        stage_changed_at: row.stage_changed_at,
        score: u8::try_from(row.score).map_err(|problem| unreadable("leads.score", id, problem))?,
        score_id: row.score_id,
        intent: Intent {
            signal: row.intent_signal,
            detail: open_text(keys, INTENT, id, &row.intent_sealed)?,
            at: row.intent_at,
        },
        channel: word(Channel::parse(&row.channel), "leads.channel", id, &row.channel)?,
        channels: channels
            .iter()
            .map(|channel| word(Channel::parse(channel), "leads.channels", id, channel))
            .collect::<Result<_>>()?,
        tags: json("leads.tags", id, row.tags)?,
        owner: row.owner,
        captured_at: row.captured_at,
        last_activity_at: row.last_activity_at,
        revision: row.revision,
        sync_revision: row.sync_revision,
        merged_into: row.merged_into,
        own: row
            .own_sealed
            .map(|sealed| open_json(keys, OWN, id, &sealed))
            .transpose()?
            .map(Box::new),
    })
}

pub(super) fn lead_row(key: &impl Seals, workspace: Uuid, lead: &Lead) -> Result<lead::Model> {
    let channels: Vec<&str> = lead.channels.iter().map(|channel| channel.word()).collect();
    Ok(lead::Model {
        id: lead.id,
        workspace_id: workspace,
        contact_id: lead.contact_id,
        stage: lead.stage.word().to_owned(),
        outcome: lead.outcome.map(|outcome| outcome.word().to_owned()),
        stage_changed_at: lead.stage_changed_at,
        score: i16::from(lead.score),
        score_id: lead.score_id,
        intent_signal: lead.intent.signal.clone(),
        intent_sealed: seal(key, INTENT, lead.id, lead.intent.detail.as_bytes())?,
        intent_at: lead.intent.at,
        channel: lead.channel.word().to_owned(),
        channels: to_json(&channels),
        tags: to_json(&lead.tags),
        owner: lead.owner.clone(),
        captured_at: lead.captured_at,
        last_activity_at: lead.last_activity_at,
        revision: lead.revision,
        sync_revision: lead.sync_revision,
        merged_into: lead.merged_into,
        own_sealed: lead
            .own
            .as_ref()
            .map(|own| seal_json(key, OWN, lead.id, own))
            .transpose()?,
    })
}

pub(super) fn message(keys: &impl Opens, row: message::Model) -> Result<StoredMessage> {
    Ok(StoredMessage {
        role: word(role(&row.role), "messages.role", row.id, &row.role)?,
        text: open_text(keys, MESSAGE, row.id, &row.sealed)?,
        external_id: row.external_id,
        conversation_id: row.conversation_id,
        position: row.position,
        at: row.at,
    })
}

pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Visitor => "visitor",
        Role::Bot => "bot",
        Role::Agent => "agent",
    }
}

fn role(word: &str) -> Option<Role> {
    [Role::Visitor, Role::Bot, Role::Agent]
        .into_iter()
        .find(|role| role_word(*role) == word)
}

pub(super) fn score(keys: &impl Opens, row: score::Model) -> Result<Score> {
    Ok(Score {
        total: u8::try_from(row.total).map_err(|problem| unreadable("scores.total", row.id, problem))?,
        dimensions: open_json(keys, SCORE, row.id, &row.sealed)?,
        framework: row.framework,
        rubric_version: row.rubric_version,
        scored_at: row.scored_at,
    })
}

pub(super) fn activity(keys: &impl Opens, row: activity::Model) -> Result<Activity> {
    Ok(Activity {
        details: open_json(keys, ACTIVITY, row.id, &row.sealed)?,
        id: row.id,
        kind: row.kind,
        actor: row.actor,
        at: row.at,
    })
}

/// A timeline entry as a row.
pub(super) fn activity_row(
    key: &impl Seals,
    workspace: Uuid,
    lead: Uuid,
    activity: Activity,
) -> Result<activity::Model> {
    Ok(activity::Model {
        sealed: seal_json(key, ACTIVITY, activity.id, &activity.details)?,
        id: activity.id,
        workspace_id: workspace,
        lead_id: lead,
        kind: activity.kind,
        actor: activity.actor,
        at: activity.at,
    })
}

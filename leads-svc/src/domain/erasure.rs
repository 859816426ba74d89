//! What became of the data of people who were erased, system by system.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::sync::Reason;

/// This service's database, as receipts name it.
pub const DATABASE: &str = "leads";
/// The streams of hints, as receipts name them.
pub const STREAMS: &str = "redis";

/// How an erasure stands in one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not done, or not read back yet.
    Pending,
    /// There was something, and a read-back finds nothing any more.
    Erased,
    /// There was nothing.
    NotPresent,
    /// It cannot be done.
    Failed,
}

impl State {
    const ALL: [State; 4] = [State::Pending, State::Erased, State::NotPresent, State::Failed];

    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Erased => "erased",
            State::NotPresent => "not_present",
            State::Failed => "failed",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What became of a person's data in one system. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which: [`DATABASE`], [`STREAMS`] or the name of a CRM.
    pub system: String,
    /// How it stands.
    pub state: State,
    /// What was deleted: rows, entries or records.
    pub records: i64,
    /// Code of what went wrong; empty if nothing did.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When the last of it was deleted.
    pub done_at: Option<DateTime<Utc>>,
    /// When it was read back and not found.
    pub verified_at: Option<DateTime<Utc>>,
}

/// A person who was erased. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Identifier.
    pub id: Uuid,
    /// When the person was deleted here.
    pub requested_at: DateTime<Utc>,
    /// Who asked.
    pub actor: String,
    /// Leads that the person was.
    pub leads: Vec<Uuid>,
    /// Contacts that the person was.
    pub contacts: Vec<Uuid>,
    /// What became of the data, in the order of the systems' names.
    pub receipts: Vec<Receipt>,
}

impl Erasure {
    /// Whether nothing of the person is left anywhere.
    pub fn is_complete(&self) -> bool {
        self.receipts
            .iter()
            .all(|receipt| matches!(receipt.state, State::Erased | State::NotPresent))
    }
}

/// A CRM was disconnected, or was so already, while it may still have had a record.
pub const NOT_CONNECTED: &str = "NOT_CONNECTED";
/// The connection leads to another account of the CRM than the one that has the record.
pub const ACCOUNT_CHANGED: &str = "ACCOUNT_CHANGED";
/// Rows were found when they were counted again.
pub const ROWS_LEFT: &str = "ROWS_LEFT";

/// What a code of a receipt means, for people. A CRM's own words are never kept: they may quote the person.
pub fn explain(code: &str) -> Option<Reason> {
    let (message, hint) = match code {
        "" => return None,
        NOT_CONNECTED => (
            "the CRM is not connected any more, and may have a record of the person",
            "delete the record there",
        ),
        ACCOUNT_CHANGED => (
            "the connection leads to another account than the one that may have a record of the person",
            "delete the record in the account that was connected before",
        ),
        "RECORD_NOT_OURS" => (
            "the CRM's record says that it is of another lead, or of none",
            "look at the record in the CRM, and delete it there if it is the person's",
        ),
        "WORKER_CRASH" => (
            "the connector was lost again and again while it erased the record",
            "look at the connector's logs, then erase the address again",
        ),
        ROWS_LEFT => (
            "rows of the person were found after the deletion",
            "report this: it is a defect",
        ),
        _ => (
            "the CRM has not erased the record",
            "nothing to do while it is pending; once it has failed, see to the connection and erase the address again",
        ),
    };
    Some(Reason {
        code: code.to_owned(),
        message: message.to_owned(),
        hint: hint.to_owned(),
        ..Reason::default()
    })
}

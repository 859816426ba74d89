//! What happened to a lead, for its timeline.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The contact became a lead.
    Captured,
    /// Another capture of the same person was added.
    Merged,
    /// Another lead of the same person was absorbed.
    LeadsMerged,
    /// A merge was undone.
    LeadsUnmerged,
    /// Messages were added.
    ConversationAppended,
    /// The score changed.
    Scored,
    /// The stage or outcome changed.
    StageChanged,
    /// Tags or owner changed.
    Updated,
    /// A consent was recorded outside a capture.
    ConsentRecorded,
    /// Somebody asked for a sync.
    SyncForced,
    /// A CRM took a revision.
    Synced,
    /// A CRM sync was given up.
    SyncFailed,
}

impl Kind {
    /// The word that storage and timelines use.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Captured => "captured",
            Kind::Merged => "merged",
            Kind::LeadsMerged => "leads_merged",
            Kind::LeadsUnmerged => "leads_unmerged",
            Kind::ConversationAppended => "conversation_appended",
            Kind::Scored => "scored",
            Kind::StageChanged => "stage_changed",
            Kind::Updated => "updated",
            Kind::ConsentRecorded => "consent_recorded",
            Kind::SyncForced => "sync_forced",
            Kind::Synced => "synced",
            Kind::SyncFailed => "sync_failed",
        }
    }
}

/// One field's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Path of the field.
    pub field: String,
    /// Value before; empty if there was none.
    pub before: String,
    /// Value after; empty if there is none.
    pub after: String,
}

impl Change {
    /// A change of `field`, if it is one.
    pub fn of(field: &str, before: impl ToString, after: impl ToString) -> Option<Self> {
        let (before, after) = (before.to_string(), after.to_string());
        (before != after).then(|| Self {
            field: field.to_owned(),
            before,
            after,
        })
    }
}

/// What an activity says beyond its kind. Encrypted at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What to know about it, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Identifier.
    pub id: Uuid,
    /// Word of its kind.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What it says.
    pub details: Details,
}

//! When a lead is written to a CRM, and how that stands.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{contact::Field, workspace::Settings};

/// A CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// HubSpot contacts.
    Hubspot,
    /// Salesforce leads.
    Salesforce,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 2] = [Provider::Hubspot, Provider::Salesforce];

    /// Name of the destination: in storage, streams and credentials.
    pub const fn name(self) -> &'static str {
        match self {
            Provider::Hubspot => "hubspot",
            Provider::Salesforce => "salesforce",
        }
    }

    /// The provider of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

/// A provider's connector, as timelines and the audit log name it.
pub fn connector_name(provider: &str) -> String {
    format!("connector:{provider}")
}

/// Which queue a job takes: a lower one goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Hot leads, and syncs that somebody asked for.
    Hot,
    /// Everything else that just happened.
    Normal,
    /// Imports and backfills.
    Bulk,
}

impl Lane {
    /// Value in storage.
    pub const fn rank(self) -> i16 {
        match self {
            Lane::Hot => 0,
            Lane::Normal => 1,
            Lane::Bulk => 2,
        }
    }

    /// The lane of a stored value; what is unknown waits behind everything.
    pub const fn from_rank(rank: i16) -> Self {
        match rank {
            0 => Lane::Hot,
            1 => Lane::Normal,
            _ => Lane::Bulk,
        }
    }
}

/// What keeps a lead from being synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// The score does not reach the workspace's threshold.
    BelowThreshold,
    /// Fields that the workspace requires are missing.
    MissingFields(Vec<Field>),
}

/// Whether a lead is to be synced by itself.
///
/// # Errors
/// What keeps it from being synced.
pub fn eligibility(score: u8, filled: i16, settings: &Settings) -> Result<(), Hindrance> {
    if score < settings.sync_threshold {
        return Err(Hindrance::BelowThreshold);
    }
    missing(filled, settings)
}

/// Whether the fields are there that every sync needs, a forced one too.
///
/// # Errors
/// The missing fields.
pub fn missing(filled: i16, settings: &Settings) -> Result<(), Hindrance> {
    let missing: Vec<Field> = settings
        .required_fields
        .iter()
        .copied()
        .filter(|field| filled & field.bit() == 0)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Hindrance::MissingFields(missing))
    }
}

/// Why a sync does not go on, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Machine name.
    pub code: String,
    /// What happened, in a sentence.
    pub message: String,
    /// The field at fault; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// What to do; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The vendor's own code; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor_code: String,
}

/// Where the sync of a lead with one CRM stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// No connection to this CRM.
    NotConnected,
    /// The score is below the threshold, and nobody forced the sync.
    BelowThreshold,
    /// Something the sync needs is missing.
    Blocked,
    /// A change is on its way.
    Pending,
    /// The CRM has the newest revision.
    Synced,
    /// Given up.
    Error,
}

/// How a lead stands with one CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which CRM.
    pub provider: Provider,
    /// Where the sync stands.
    pub status: Status,
    /// The CRM's record; empty before the first sync.
    pub external_id: String,
    /// The record's page; empty before the first sync.
    pub url: String,
    /// Why it does not go on.
    pub reason: Option<Reason>,
    /// Newest revision that the CRM should have.
    pub wanted_revision: i64,
    /// Revision that the CRM is known to have.
    pub synced_revision: i64,
    /// Since when a change waits.
    pub pending_since: Option<DateTime<Utc>>,
    /// When the CRM last accepted a revision.
    pub synced_at: Option<DateTime<Utc>>,
    /// From the change to the CRM's acceptance, of the last sync.
    pub latency_ms: i64,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 6] = [
        Status::NotConnected,
        Status::BelowThreshold,
        Status::Blocked,
        Status::Pending,
        Status::Synced,
        Status::Error,
    ];

    /// The word in filters.
    pub const fn word(self) -> &'static str {
        match self {
            Status::NotConnected => "not_connected",
            Status::BelowThreshold => "below_threshold",
            Status::Blocked => "blocked",
            Status::Pending => "pending",
            Status::Synced => "synced",
            Status::Error => "error",
        }
    }

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl Link {
    /// A link of which nothing is known but its status.
    pub fn without_job(provider: Provider, status: Status, reason: Option<Reason>) -> Self {
        Self {
            provider,
            status,
            external_id: String::new(),
            url: String::new(),
            reason,
            wanted_revision: 0,
            synced_revision: 0,
            pending_since: None,
            synced_at: None,
            latency_ms: 0,
        }
    }
}

/// What leads-svc needs of a connection to decide and to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Identifier.
    pub id: Uuid,
    /// Which CRM.
    pub provider: Provider,
    /// Why its syncs wait, if they do.
    pub waiting: Option<Reason>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Owed, and not on a stream.
    Pending,
    /// On a stream.
    Published,
    /// A connector holds its lease.
    Running,
    /// The CRM has the wanted revision.
    Done,
    /// Given up, with a reason.
    Dead,
}

impl JobState {
    const ALL: [JobState; 5] = [
        JobState::Pending,
        JobState::Published,
        JobState::Running,
        JobState::Done,
        JobState::Dead,
    ];

    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            JobState::Pending => "pending",
            JobState::Published => "published",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Dead => "dead",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What is to be done with a CRM's record of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Made or brought up to date.
    Upsert,
    /// Archived, so that it can be restored: another lead stands for the person.
    Remove,
    /// Deleted for good: the person was erased.
    Erase,
}

impl Action {
    const ALL: [Action; 3] = [Action::Upsert, Action::Remove, Action::Erase];

    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            Action::Upsert => "upsert",
            Action::Remove => "remove",
            Action::Erase => "erase",
        }
    }

    /// The action of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }
}

/// A sync job, as far as people care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Where it stands.
    pub state: JobState,
    /// What it does.
    pub action: Action,
    /// Everything else, with the status still to be derived.
    pub link: Link,
}

/// How a lead stands with one CRM, from what is known of the connection and the job.
pub fn link(
    provider: Provider,
    connection: Option<&ConnectionView>,
    job: Option<Job>,
    score: u8,
    filled: i16,
    settings: &Settings,
) -> Link {
    let Some(connection) = connection else {
        return Link::without_job(provider, Status::NotConnected, None);
    };
    let Some(Job { state, mut link, .. }) = job else {
        return match eligibility(score, filled, settings) {
            Ok(()) => Link::without_job(provider, Status::Pending, connection.waiting.clone()),
            Err(Hindrance::BelowThreshold) => Link::without_job(provider, Status::BelowThreshold, None),
            Err(Hindrance::MissingFields(fields)) => {
                Link::without_job(provider, Status::Blocked, Some(missing_fields(&fields)))
            }
        };
    };
    link.status = match state {
        JobState::Done => Status::Synced,
        JobState::Dead => Status::Error,
        JobState::Pending | JobState::Published | JobState::Running => Status::Pending,
    };
    match link.status {
        Status::Synced => {
            link.reason = None;
            link.pending_since = None;
        }
        Status::Pending => link.reason = connection.waiting.clone().or(link.reason),
        Status::NotConnected | Status::BelowThreshold | Status::Blocked | Status::Error => {
            link.pending_since = None
        }
    }
    link
}

/// The reason that names missing fields.
pub fn missing_fields(fields: &[Field]) -> Reason {
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    Reason {
        code: "MISSING_FIELD".to_owned(),
        message: format!("the workspace requires {} before a sync", names.join(", ")),
        field: names
            .first()
            .map(|name| format!("contact.{name}"))
            .unwrap_or_default(),
        hint: "capture the person again with the missing fields, or change required_fields in the settings"
            .to_owned(),
        vendor_code: String::new(),
    }
}

/// What a connector reports of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobReport {
    /// The CRM has the claimed revision.
    Delivered {
        /// Record in the CRM.
        external_id: String,
        /// Its page; may be empty.
        url: String,
    },
    /// Try later.
    Retry {
        /// Why: the code is the class of failure.
        reason: Reason,
        /// The vendor's wish for a pause.
        after: Option<Duration>,
    },
    /// The CRM will never take it as it is.
    Rejected(Reason),
    /// Whether the CRM has it is not known.
    Unknown {
        /// What was seen.
        why: String,
    },
    /// The whole connection has to rest.
    Paused {
        /// For how long; until a person acts if absent.
        rest: Option<Duration>,
        /// Why.
        reason: Reason,
        /// Version of the connection that the vendor refused; 0 if unknown.
        connection_version: i64,
    },
    /// No record of the lead is in the CRM any more.
    Gone {
        /// Records that were archived or erased.
        records: i64,
    },
    /// What a read-back found.
    Verified {
        /// Record in the CRM; empty if there is none.
        external_id: String,
        /// Its page; may be empty.
        url: String,
        /// Our revision in it; 0 if there is none.
        revision: i64,
    },
}

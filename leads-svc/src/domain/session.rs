//! Sessions: what somebody who signed in holds instead of a key.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Identifier; not what the cookie holds.
    pub id: Uuid,
    /// Workspace that it acts in.
    pub workspace: Uuid,
    /// Who signed in; nobody if the key belongs to nobody.
    pub member: Option<Uuid>,
    /// Public part of the key that it was begun with.
    pub key: Option<String>,
    /// How they signed in.
    pub method: Method,
    /// Sign-in.
    pub created_at: DateTime<Utc>,
    /// End by itself, whatever its use.
    pub expires_at: DateTime<Utc>,
    /// Last use.
    pub seen_at: DateTime<Utc>,
    /// Time without use after which it ends.
    pub idle: TimeDelta,
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// With an API key.
    ApiKey,
    /// Through the identity provider.
    Oidc,
}

impl Session {
    /// Whether it holds at `now`, if it was last used at `seen`.
    pub fn is_alive(&self, seen: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now < self.expires_at && now < seen + self.idle
    }
}

impl Method {
    /// The word in storage and in the audit log.
    pub const fn word(self) -> &'static str {
        match self {
            Method::ApiKey => "api_key",
            Method::Oidc => "oidc",
        }
    }

    /// The way of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Method::ApiKey, Method::Oidc]
            .into_iter()
            .find(|method| method.word() == word)
    }
}

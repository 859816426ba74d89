//! People who work in a workspace.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Identifier.
    pub id: Uuid,
    /// Normalised address.
    pub email: String,
    /// What the member may do.
    pub role: Role,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// What a member may do. A later role may do everything that an earlier one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Viewer,
    /// Look, and work on leads.
    Agent,
    /// Everything.
    Admin,
}

impl Role {
    /// Every role, smallest first.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Agent, Role::Admin];

    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Agent => "agent",
            Role::Admin => "admin",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

//! What a person agreed to or refused.

use chrono::{DateTime, Utc};

use super::lead::Channel;

/// One record; records are never changed, the newest of a purpose counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What for.
    pub purpose: String,
    /// Given, or refused.
    pub given: bool,
    /// Exact text that was shown.
    pub text: String,
    /// The caller's version of the text.
    pub version: String,
    /// Where it was asked.
    pub channel: Channel,
    /// When.
    pub at: DateTime<Utc>,
}

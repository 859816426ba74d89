//! The token endpoint.

use serde::Deserialize;

/// A new session.
#[derive(Clone, Deserialize)]
pub struct Granted {
    /// Bearer token. There is no saying how long it holds.
    pub access_token: String,
    /// Where it holds: scheme and host.
    pub instance_url: String,
    /// The new refresh token, where the app rotates them: the old one is void.
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// `https://login.salesforce.com/id/<org>/<user>`
    #[serde(default)]
    pub id: String,
}

/// A refusal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TokenError {
    /// Such as `invalid_grant`.
    pub error: String,
    /// For people.
    pub error_description: String,
}

impl Granted {
    /// The org's id; empty if the answer does not say.
    pub fn org(&self) -> &str {
        self.id.rsplit('/').nth(1).unwrap_or_default()
    }
}

/// Shows no token.
impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("instance_url", &self.instance_url)
            .finish_non_exhaustive()
    }
}

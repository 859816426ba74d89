//! How a Salesforce org is reached: an app, the flow by which it gets sessions, and the session that was begun last.

use serde::{Deserialize, Serialize};

/// Everything that is kept secret of a connection to Salesforce. Stored as JSON, encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salesforce {
    /// Where sessions are asked for: scheme and host.
    pub login_url: String,
    /// The app.
    pub client_id: String,
    /// How it proves itself.
    pub flow: Flow,
    /// The session that was begun last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// How an app proves itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// By its own secret.
    ClientCredentials {
        /// The secret.
        client_secret: String,
    },
    /// By a token that a person has granted.
    RefreshToken {
        /// The newest one.
        refresh_token: String,
        /// The app's secret; may be empty.
        client_secret: String,
    },
    /// By a signed assertion.
    JwtBearer {
        /// For whom.
        username: String,
        /// PKCS#8 in PEM.
        private_key: String,
    },
}

/// What a vendor answers calls with, until it ends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Bearer token.
    pub access_token: String,
    /// Scheme and host.
    pub instance_url: String,
}

impl Salesforce {
    /// Reads what is stored.
    ///
    /// # Errors
    /// It is something else.
    pub fn read(secret: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(secret)
    }

    /// As it is stored.
    pub fn secret(&self) -> String {
        // Text alone: there is nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same with a session that was just begun, and the refresh token that took the place of the spent one.
    #[must_use]
    pub fn with_session(mut self, session: Session, newest: Option<String>) -> Self {
        self.session = Some(session);
        if let (Flow::RefreshToken { refresh_token, .. }, Some(newest)) = (&mut self.flow, newest) {
            *refresh_token = newest;
        }
        self
    }
}

/// Shows no secret.
impl std::fmt::Debug for Salesforce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Salesforce")
            .field("login_url", &self.login_url)
            .finish_non_exhaustive()
    }
}

/// Shows no secret.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("instance_url", &self.instance_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_session_replaces_the_refresh_token_only_where_one_came() {
        let stored = Salesforce {
            login_url: "https://acme.my.salesforce.com".into(),
            client_id: "app".into(),
            flow: Flow::RefreshToken {
                refresh_token: "first".into(),
                client_secret: String::new(),
            },
            session: None,
        };
        let session = Session {
            access_token: "00D!x".into(),
            instance_url: "https://acme.my.salesforce.com".into(),
        };
        let newest = |it: &Salesforce| match &it.flow {
            Flow::RefreshToken { refresh_token, .. } => refresh_token.clone(),
            Flow::ClientCredentials { .. } | Flow::JwtBearer { .. } => panic!("another flow"),
        };
        let kept = stored.clone().with_session(session.clone(), None);
        assert_eq!(newest(&kept), "first");
        let rotated = stored.with_session(session, Some("second".into()));
        assert_eq!(newest(&rotated), "second");
        assert_eq!(Salesforce::read(&rotated.secret()).unwrap(), rotated);
        assert!(!format!("{rotated:?}").contains("00D"));
    }
}

//! Who can sign in, and for which client.

/// How to start a provider.
#[derive(Debug, Clone)]
pub struct OidcOptions {
    /// Port on the loopback address; 0 takes a free one.
    pub port: u16,
    /// The one client.
    pub client_id: String,
    /// Its secret; empty for a public client.
    pub client_secret: String,
    /// Where it may have browsers sent back to, letter by letter.
    pub redirect_uris: Vec<String>,
    /// Who has an account.
    pub users: Vec<User>,
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Stable identifier.
    pub subject: String,
    /// Address.
    pub email: String,
}

impl User {
    /// An account with this address.
    pub fn new(email: &str) -> Self {
        Self {
            subject: format!("subject-of-{email}"),
            email: email.to_owned(),
        }
    }
}

impl Default for OidcOptions {
    fn default() -> Self {
        Self {
            port: 0,
            client_id: "leads".to_owned(),
            client_secret: "secret-of-leads".to_owned(),
            redirect_uris: Vec::new(),
            users: Vec::new(),
        }
    }
}

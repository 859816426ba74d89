//! People with browsers: a simulated identity provider, and members who have accounts there.

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    client::Clients,
    fakes::oidc::{OidcOptions, OidcServer, User},
};

/// Who has an account, and the role that the workspace gives them; the last one is nobody's member.
pub const PEOPLE: [(&str, Option<&str>); 4] = [
    ("ana@demo.example", Some("admin")),
    ("ben@demo.example", Some("agent")),
    ("eve@demo.example", Some("viewer")),
    ("joe@elsewhere.example", None),
];

/// Where people sign in.
#[derive(Debug)]
pub struct SignIn {
    /// The provider.
    pub provider: OidcServer,
    /// Address of leads-svc for browsers: sessions hold for it alone.
    pub base: String,
}

impl SignIn {
    /// Starts the provider for a leads-svc on this port.
    ///
    /// # Errors
    /// The provider does not start.
    pub async fn start(port: u16) -> Result<Self> {
        let base = format!("http://localhost:{port}");
        let options = OidcOptions {
            redirect_uris: vec![format!("{base}/sign-in/callback")],
            users: PEOPLE.iter().map(|(email, _)| User::new(email)).collect(),
            ..OidcOptions::default()
        };
        let provider = OidcServer::start(options)
            .await
            .context("the identity provider")?;
        Ok(Self { provider, base })
    }

    /// Variables of leads-svc.
    pub fn environment(&self) -> Vec<(String, String)> {
        let options = OidcOptions::default();
        [
            ("BASE_URL", self.base.clone()),
            ("ISSUER", self.provider.issuer()),
            ("CLIENT_ID", options.client_id),
            ("CLIENT_SECRET", options.client_secret),
        ]
        .into_iter()
        .map(|(key, value)| (format!("LEADS_SVC__SIGN_IN__{key}"), value))
        .collect()
    }

    /// Makes the people members.
    ///
    /// # Errors
    /// leads-svc refuses one.
    pub async fn add_members(&self, clients: &Clients) -> Result<()> {
        for (email, role) in PEOPLE {
            let Some(role) = role else { continue };
            let member = json!({"email": email, "role": role});
            clients.rest.post("/v1/members", &member).await?.json()?;
        }
        Ok(())
    }
}

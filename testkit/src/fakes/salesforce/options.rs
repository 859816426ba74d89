//! What an org is like when it starts.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{KeyPair, RsaKeyPair};
use serde::{Deserialize, Serialize};

use crate::fakes::oidc::keys::RSA;

/// The org's id.
pub const DEFAULT_ORG: &str = "00Dbn00000LeadsEAM";
/// Client id of the app of [`SalesforceOptions::default`].
pub const DEFAULT_CLIENT_ID: &str = "3MVG9.leads.simulated";
/// Its secret.
pub const DEFAULT_CLIENT_SECRET: &str = "simulated-secret";

/// An org. The default has one app for client credentials, the fields that Leads writes, and no rules.
#[derive(Clone, Debug)]
pub struct SalesforceOptions {
    /// Port on the loopback address; 0 picks a free one.
    pub port: u16,
    /// Apps that may ask for tokens.
    pub apps: Vec<AppOptions>,
    /// API versions, oldest first.
    pub versions: Vec<String>,
    /// Whether somebody has created the fields that Leads writes.
    pub leads_fields: bool,
    /// What the org does about a lead whose address another lead has.
    pub duplicate_rule: DuplicateRule,
    /// Whether an assignment rule gives leads to a queue.
    pub assigns: bool,
    /// Calls of 24 hours.
    pub daily_limit: u64,
    /// Requests that the log keeps.
    pub log_capacity: usize,
}

/// An app with the flows that it may use.
#[derive(Clone, Debug, Default)]
pub struct AppOptions {
    /// Client id.
    pub client_id: String,
    /// Client secret; apps for JWT need none.
    pub client_secret: Option<String>,
    /// Whether it may use client credentials.
    pub client_credentials: bool,
    /// A refresh token that a person has granted it.
    pub refresh_token: Option<String>,
    /// Whether each refresh gives a new refresh token and voids the old one.
    pub rotates: bool,
    /// Who it may act for by a signed assertion.
    pub jwt: Option<JwtUser>,
}

/// A user that an app may act for.
#[derive(Clone, Debug)]
pub struct JwtUser {
    /// Their name.
    pub username: String,
    /// RSA key that verifies the app's assertions, PKCS#1 DER.
    pub public_key: Vec<u8>,
}

impl JwtUser {
    /// A user, and the private key (PEM) of an app that may act for them: the same for everybody, of use nowhere else.
    ///
    /// # Errors
    /// The key that is built in cannot be read.
    pub fn with_key(username: &str) -> anyhow::Result<(Self, String)> {
        let pair = RsaKeyPair::from_pkcs8(RSA).map_err(|why| anyhow::anyhow!("the RSA key: {why}"))?;
        let encoded = STANDARD.encode(RSA);
        let user = Self {
            username: username.to_owned(),
            public_key: pair.public_key().as_ref().to_vec(),
        };
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n");
        Ok((user, pem))
    }
}

/// What an org does about a second lead of the same address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateRule {
    /// Nothing.
    #[default]
    Off,
    /// Warns; callers may save all the same.
    Alert,
    /// Refuses.
    Block,
}

impl Default for SalesforceOptions {
    fn default() -> Self {
        Self {
            port: 0,
            apps: vec![AppOptions::client_credentials(
                DEFAULT_CLIENT_ID,
                DEFAULT_CLIENT_SECRET,
            )],
            versions: ["60.0", "61.0", "62.0", "63.0", "64.0", "65.0"]
                .map(str::to_owned)
                .into(),
            leads_fields: true,
            duplicate_rule: DuplicateRule::Off,
            assigns: false,
            daily_limit: 115_000,
            log_capacity: 10_000,
        }
    }
}

impl AppOptions {
    /// An app for client credentials.
    pub fn client_credentials(client_id: &str, client_secret: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: Some(client_secret.to_owned()),
            client_credentials: true,
            ..Self::default()
        }
    }

    /// An app with a refresh token; each refresh gives a new one if it rotates.
    pub fn refresh_token(client_id: &str, client_secret: &str, token: &str, rotates: bool) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: Some(client_secret.to_owned()),
            refresh_token: Some(token.to_owned()),
            rotates,
            ..Self::default()
        }
    }

    /// An app that signs assertions.
    pub fn jwt(client_id: &str, user: JwtUser) -> Self {
        Self {
            client_id: client_id.to_owned(),
            jwt: Some(user),
            ..Self::default()
        }
    }
}

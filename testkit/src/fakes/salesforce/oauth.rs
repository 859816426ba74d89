//! The token endpoint: client credentials, refresh tokens with or without rotation, and signed assertions.

use std::collections::{BTreeMap, HashMap};

use rand::RngExt;
use serde_json::{Value, json};

use super::jwt;
use super::options::{AppOptions, DEFAULT_ORG};

/// Apps and what was given to them.
#[derive(Debug)]
pub(super) struct Tokens {
    apps: Vec<AppOptions>,
    /// Access token to client id.
    access: HashMap<String, String>,
    /// Refreshes that took place, by client id.
    pub(super) issued: BTreeMap<String, u64>,
}

/// The answer of the token endpoint.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    /// App that got a token.
    pub client_id: Option<String>,
}

impl Tokens {
    pub(super) fn new(apps: Vec<AppOptions>) -> Self {
        Self {
            apps,
            access: HashMap::new(),
            issued: BTreeMap::new(),
        }
    }

    /// The app that an access token was given to.
    pub(super) fn holder(&self, token: &str) -> Option<&str> {
        self.access.get(token).map(String::as_str)
    }

    /// Ends every session.
    pub(super) fn end_sessions(&mut self) {
        self.access.clear();
    }

    /// Takes an app's right away, its sessions included.
    pub(super) fn revoke(&mut self, client_id: &str) {
        self.apps.retain(|app| app.client_id != client_id);
        self.access.retain(|_, holder| holder != client_id);
    }

    /// Answers a request for a token.
    pub(super) fn grant(&mut self, form: &BTreeMap<String, String>, base_url: &str, now: i64) -> Answer {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        match field("grant_type") {
            "client_credentials" => match self.app(field("client_id"), field("client_secret")) {
                Err(answer) => answer,
                Ok(at) => match self.apps.get(at).is_some_and(|app| app.client_credentials) {
                    true => self.issue(at, base_url, now),
                    false => refused("invalid_grant", "no client credentials user enabled"),
                },
            },
            "refresh_token" => match self.app(field("client_id"), field("client_secret")) {
                Err(answer) => answer,
                Ok(at) => {
                    let held = self.apps.get(at).and_then(|app| app.refresh_token.as_deref());
                    match held == Some(field("refresh_token")) {
                        true => self.issue(at, base_url, now),
                        false => refused("invalid_grant", "expired access/refresh token"),
                    }
                }
            },
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let assertion = field("assertion");
                let issuer = jwt::issuer(assertion).unwrap_or_default();
                let at = self.apps.iter().position(|app| app.client_id == issuer);
                let user = at.and_then(|at| Some((at, self.apps.get(at)?.jwt.clone()?)));
                let Some((at, user)) = user else {
                    return refused("invalid_client_id", "client identifier invalid");
                };
                let audiences = [
                    base_url,
                    "https://login.salesforce.com",
                    "https://test.salesforce.com",
                ];
                match jwt::check(assertion, &user, &audiences, now) {
                    Ok(()) => self.issue(at, base_url, now),
                    Err(why) => refused("invalid_grant", why),
                }
            }
            _ => refused("unsupported_grant_type", "grant type not supported"),
        }
    }

    fn app(&self, client_id: &str, secret: &str) -> Result<usize, Answer> {
        let at = self.apps.iter().position(|app| app.client_id == client_id);
        let Some((at, app)) = at.and_then(|at| Some((at, self.apps.get(at)?))) else {
            return Err(refused("invalid_client_id", "client identifier invalid"));
        };
        match app.client_secret.as_deref() == Some(secret) {
            true => Ok(at),
            false => Err(refused("invalid_client", "invalid client credentials")),
        }
    }

    /// A new access token; a new refresh token as well where the app rotates.
    fn issue(&mut self, at: usize, base_url: &str, now: i64) -> Answer {
        let drawn = |prefix: &str| format!("{prefix}{:032x}", rand::rng().random::<u128>());
        let Some(app) = self.apps.get_mut(at) else {
            return refused("server_error", "no such app");
        };
        // Real tokens hold an exclamation mark.
        let access = drawn(&format!("{}!", DEFAULT_ORG.get(..15).unwrap_or_default()));
        let mut body = json!({
            "access_token": access, "instance_url": base_url, "token_type": "Bearer",
            "id": format!("https://login.salesforce.com/id/{DEFAULT_ORG}/005bn00000IntegEAAA"),
            "issued_at": (now * 1000).to_string(), "signature": "c2ltdWxhdGVk", "scope": "api",
        });
        if app.refresh_token.is_some() && app.rotates {
            let refresh = drawn("5Aep861");
            if let Some(body) = body.as_object_mut() {
                body.insert("refresh_token".to_owned(), json!(refresh));
            }
            app.refresh_token = Some(refresh);
        }
        let client_id = app.client_id.clone();
        self.access.insert(access, client_id.clone());
        *self.issued.entry(client_id.clone()).or_default() += 1;
        Answer {
            status: 200,
            body,
            client_id: Some(client_id),
        }
    }
}

fn refused(error: &str, description: &str) -> Answer {
    Answer {
        status: 400,
        body: json!({"error": error, "error_description": description}),
        client_id: None,
    }
}

//! What the provider remembers.

use std::collections::HashMap;

use anyhow::Result;

use super::{Fault, OidcOptions, User, keys::SigningKey};

/// Kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RS256.
    Rsa,
    /// ES256.
    P256,
}

pub(super) struct State {
    pub(super) options: OidcOptions,
    pub(super) issuer: String,
    /// The last one signs.
    pub(super) published: Vec<SigningKey>,
    pub(super) keys_made: usize,
    pub(super) codes: HashMap<String, Grant>,
    pub(super) fault: Option<Fault>,
    /// Who is signed in here in every browser; asked for if nobody is.
    pub(super) present: Option<String>,
    pub(super) log: Vec<String>,
}

/// What a code was given for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) user: User,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) nonce: String,
}

impl State {
    pub(super) fn new(options: OidcOptions, issuer: String) -> Result<Self> {
        Ok(Self {
            options,
            issuer,
            published: vec![SigningKey::rsa("key-1")?],
            keys_made: 1,
            codes: HashMap::new(),
            fault: None,
            present: None,
            log: Vec::new(),
        })
    }

    /// A key of a new name.
    pub(super) fn new_key(&mut self, kind: Kind) -> Result<SigningKey> {
        self.keys_made += 1;
        let id = format!("key-{}", self.keys_made);
        match kind {
            Kind::Rsa => SigningKey::rsa(&id),
            Kind::P256 => SigningKey::p256(&id),
        }
    }

    pub(super) fn user(&self, email: &str) -> Option<&User> {
        self.options.users.iter().find(|user| user.email == email)
    }
}

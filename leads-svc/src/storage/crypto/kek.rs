//! The operator's key, and what it wraps.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Error, UNSEALED,
    cipher::{Cipher, Header, Secret, derive, secret_of},
};

/// What a wrapped secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Sealing.
    Data,
    /// Blind indexes and search words.
    Index,
    /// The audit log.
    Audit,
    /// Hashes of credentials; the installation's.
    Pepper,
    /// Keys of contacts; the key store's.
    Root,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::Data, Self::Index, Self::Audit, Self::Pepper, Self::Root];

    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Index => "index",
            Self::Audit => "audit",
            Self::Pepper => "pepper",
            Self::Root => "root",
        }
    }

    /// The purpose of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word)
    }
}

/// Which secret is wrapped: part of what is authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Wrapped {
    /// Workspace; nil for the installation's own.
    pub workspace: Uuid,
    /// What for.
    pub purpose: Purpose,
    /// From 1.
    pub number: i16,
}

/// The operator's key: wraps the secrets of workspaces and of the installation.
pub struct KeyEncryptionKey {
    id: String,
    key: Secret,
}

impl KeyEncryptionKey {
    /// Reads a key from its base64 form.
    ///
    /// # Errors
    /// It is not 32 bytes of base64.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text.trim())
                .map_err(|_| Error::KeyEncryptionKey)?,
        );
        let key = secret_of(&bytes).map_err(|_| Error::KeyEncryptionKey)?;
        let id = if UNSEALED {
            // So that such a build and one that is shipped refuse each other's databases.
            "unsealed".to_owned()
        } else {
            let digest = Sha256::digest(key.as_slice());
            digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        };
        Ok(Self { id, key })
    }

    /// Short hash that names the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Wraps a secret.
    ///
    /// # Errors
    /// The cipher refused it.
    pub fn wrap(&self, what: Wrapped, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let header = Header {
            number: 1,
            contact_key: None,
        };
        self.cipher().seal(header, secret, &self.associated(what))
    }

    /// Unwraps a secret.
    ///
    /// # Errors
    /// It was wrapped by another key, for something else, or is damaged.
    pub fn unwrap(&self, what: Wrapped, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.cipher()
            .open(wrapped, &self.associated(what))
            .map(Zeroizing::new)
    }

    /// What hashed credentials, and sealed what belongs to no workspace, before the installation had secrets of its own.
    pub(in crate::storage) fn first_installation(&self) -> [(Purpose, Secret); 2] {
        [
            (Purpose::Pepper, derive(&self.key, b"hash credentials")),
            (Purpose::Data, derive(&self.key, b"platform data")),
        ]
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(derive(&self.key, b"wrap data keys"))
    }

    fn associated(&self, what: Wrapped) -> Vec<u8> {
        let Wrapped {
            workspace,
            purpose,
            number,
        } = what;
        let id = self.id.as_bytes();
        if purpose == Purpose::Data && number == 1 && !workspace.is_nil() {
            // The form in which the first data keys were wrapped, when there was no other secret.
            return [b"workspaces.wrapped_key".as_slice(), workspace.as_bytes(), id].concat();
        }
        [
            b"data_keys.wrapped ".as_slice(),
            purpose.word().as_bytes(),
            &number.to_be_bytes(),
            workspace.as_bytes(),
            id,
        ]
        .concat()
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEncryptionKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The key that wraps, and one that may have wrapped before.
#[derive(Debug)]
pub struct KeyEncryptionKeys {
    current: KeyEncryptionKey,
    previous: Option<KeyEncryptionKey>,
}

impl KeyEncryptionKeys {
    /// Wraps with `current`; opens what either of them wrapped.
    pub fn new(current: KeyEncryptionKey, previous: Option<KeyEncryptionKey>) -> Self {
        Self { current, previous }
    }

    /// The one that wraps.
    pub fn current(&self) -> &KeyEncryptionKey {
        &self.current
    }

    /// The one of that name; none if neither has it.
    pub fn named(&self, kek: &str) -> Option<&KeyEncryptionKey> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == kek)
    }

    /// Names of both.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .map(KeyEncryptionKey::id)
    }

    /// Unwraps what the key of that name wrapped.
    ///
    /// # Errors
    /// Neither is the key, or what was wrapped is damaged.
    pub fn unwrap(&self, kek: &str, what: Wrapped, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.named(kek)
            .ok_or(Error::UnknownKeyEncryptionKey)?
            .unwrap(what, wrapped)
    }
}

impl From<KeyEncryptionKey> for KeyEncryptionKeys {
    fn from(current: KeyEncryptionKey) -> Self {
        Self::new(current, None)
    }
}

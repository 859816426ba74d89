//! Encryption at rest.
//!
//! Stored: secrets of the installation and of each workspace, wrapped by the key-encryption key that the operator
//! holds; in the key store a secret per contact, wrapped by a root key that the same key wraps. From a workspace's data
//! key and a contact's secret together comes the contact's key.
//!
//! Moves: a sealed value is `header, nonce (24 bytes), ciphertext, tag` of XChaCha20-Poly1305, with header, workspace,
//! table, column and row as associated data. The header says what opens it: `1, number` the workspace's data key of that
//! number; `2, number, id` the key that this data key and the contact's secret of that id make.
//!
//! Holds: a value opens only in the place it was sealed for; equal addresses of two workspaces have different indexes;
//! without a contact's secret nothing of the contact can be read, whatever else is known.

use uuid::Uuid;

mod cipher;
mod contact;
mod kek;
mod sealer;
mod workspace;

#[cfg(test)]
mod tests;

pub use cipher::{Header, Secret};
pub use contact::{ContactSecrets, Opens};
pub use kek::{KeyEncryptionKey, KeyEncryptionKeys, Purpose, Wrapped};
pub use sealer::{Sealer, Seals};
pub use workspace::{IndexKey, WorkspaceKeys};

pub(super) use cipher::{Cipher, digest, new_secret};

/// Whether this build seals nothing, to be measured beside one that does. Never in a build that is shipped: what it
/// stores no other build can read, and it reads what no other build stored.
pub const UNSEALED: bool = cfg!(feature = "unsealed-benchmark");

/// Why something cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too short, or of an unknown version.
    #[error("not a sealed value of this version")]
    Format,
    /// Altered, of another place, or of another key.
    #[error("does not authenticate")]
    Authentication,
    /// Sealed under a data key that is not there: removed, or newer than what is known of the workspace.
    #[error("sealed under data key {0} of the workspace, which is not there")]
    DataKey(u8),
    /// Its contact's key was destroyed.
    #[error("the key of its contact was destroyed")]
    Destroyed,
    /// Its contact's key is not in the key store.
    #[error("the key of its contact is not in the key store: is it the one that belongs to this database?")]
    NoKey,
    /// The key-encryption key is not 32 bytes of base64.
    #[error("the key-encryption key must be 32 bytes in base64; `openssl rand -base64 32` makes one")]
    KeyEncryptionKey,
    /// Wrapped by a key-encryption key that is not configured.
    #[error("wrapped by a key-encryption key that is not configured")]
    UnknownKeyEncryptionKey,
}

/// Where a value lives: part of what is authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// `table.column`.
    pub column: &'static str,
    /// Row.
    pub row: Uuid,
}

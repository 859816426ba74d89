//! Encryption at rest.
//!
//! Stored: per workspace one random data key, wrapped by the key-encryption key that the operator holds. From it come
//! four keys: for sealing, for blind indexes, for search words, for the audit log.
//!
//! Moves: a sealed value is `version, key number, nonce (24 bytes), ciphertext, tag` of XChaCha20-Poly1305, with
//! workspace, table, column and row as associated data.
//!
//! Holds: a value opens only in the place it was sealed for; equal addresses of two workspaces have different indexes.

use std::{fmt, fmt::Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::audit::ChainKey;

const VERSION: u8 = 1;
const FIRST_KEY: u8 = 1;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = 2 + NONCE_BYTES;

/// Why something cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too short, or of an unknown version or key.
    #[error("not a sealed value of this version")]
    Format,
    /// Altered, of another place, or of another key.
    #[error("does not authenticate")]
    Authentication,
    /// The key-encryption key is not 32 bytes of base64.
    #[error("the key-encryption key must be 32 bytes in base64; `openssl rand -base64 32` makes one")]
    KeyEncryptionKey,
}

/// Where a value lives: part of what is authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// `table.column`.
    pub column: &'static str,
    /// Row.
    pub row: Uuid,
}

/// The operator's key: wraps the data keys of workspaces, and keys the hashes of credentials.
pub struct KeyEncryptionKey {
    id: String,
    wrap: XChaCha20Poly1305,
    pepper: Zeroizing<[u8; 32]>,
    platform: Zeroizing<[u8; 32]>,
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
        let key: Zeroizing<[u8; 32]> =
            Zeroizing::new(bytes.as_slice().try_into().map_err(|_| Error::KeyEncryptionKey)?);
        let mut id = String::with_capacity(16);
        for byte in Sha256::digest(key.as_slice()).iter().take(8) {
            let _ = write!(id, "{byte:02x}");
        }
        Ok(Self {
            id,
            wrap: XChaCha20Poly1305::new(&(*derive(&key, b"wrap data keys")).into()),
            pepper: derive(&key, b"hash credentials"),
            platform: derive(&key, b"platform data"),
        })
    }

    /// Keys of what belongs to the platform and to no workspace; its place has the nil workspace.
    pub fn platform_keys(&self) -> WorkspaceKeys {
        WorkspaceKeys::of(Uuid::nil(), &self.platform)
    }

    /// Short hash that names the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Makes and wraps a data key for a workspace.
    pub fn new_data_key(&self, workspace: Uuid) -> Result<Vec<u8>, Error> {
        let key = Zeroizing::new(rand::random::<[u8; 32]>());
        seal(&self.wrap, key.as_slice(), &self.associated(workspace))
    }

    /// Unwraps a workspace's data key.
    ///
    /// # Errors
    /// It was wrapped by another key, for another workspace, or is damaged.
    pub fn open_data_key(&self, workspace: Uuid, wrapped: &[u8]) -> Result<WorkspaceKeys, Error> {
        let bytes = Zeroizing::new(open(&self.wrap, wrapped, &self.associated(workspace))?);
        let key: Zeroizing<[u8; 32]> =
            Zeroizing::new(bytes.as_slice().try_into().map_err(|_| Error::Format)?);
        Ok(WorkspaceKeys::of(workspace, &key))
    }

    /// Keyed hash of a credential's secret.
    pub fn digest(&self, secret: &str) -> [u8; 32] {
        hash(&self.pepper, &[secret.as_bytes()])
    }

    fn associated(&self, workspace: Uuid) -> Vec<u8> {
        [
            b"workspaces.wrapped_key".as_slice(),
            workspace.as_bytes(),
            self.id.as_bytes(),
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

/// Keys of one workspace.
pub struct WorkspaceKeys {
    workspace: Uuid,
    seal: XChaCha20Poly1305,
    index: Zeroizing<[u8; 32]>,
    search: Zeroizing<[u8; 32]>,
    audit: ChainKey,
}

impl WorkspaceKeys {
    fn of(workspace: Uuid, key: &[u8; 32]) -> Self {
        Self {
            workspace,
            seal: XChaCha20Poly1305::new(&(*derive(key, b"seal")).into()),
            index: derive(key, b"blind index"),
            search: derive(key, b"search words"),
            audit: ChainKey::new(&derive(key, b"audit chain")),
        }
    }

    /// Encrypts a value for its place.
    ///
    /// # Errors
    /// The value is longer than the cipher takes (256 GiB).
    pub fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        seal(&self.seal, plain, &self.associated(place))
    }

    /// Decrypts a value of its place.
    ///
    /// # Errors
    /// It is damaged, or was sealed for another place or workspace.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        open(&self.seal, sealed, &self.associated(place))
    }

    /// Keyed hash by which a value is found among those of its kind.
    pub fn value_index(&self, kind: &str, value: &str) -> Vec<u8> {
        let mut hash = hash(&self.index, &[kind.as_bytes(), value.as_bytes()]).to_vec();
        hash.truncate(16);
        hash
    }

    /// Keyed hash of a search word: 12 letters from `a` to `p`, 48 bits.
    pub fn search_token(&self, term: &str) -> String {
        let hash = hash(&self.search, &[term.as_bytes()]);
        let letter = |nibble: u8| char::from(b'a' + nibble);
        hash.iter()
            .take(6)
            .flat_map(|byte| [letter(byte >> 4), letter(byte & 15)])
            .collect()
    }

    /// Key of the workspace's audit log.
    pub fn audit(&self) -> &ChainKey {
        &self.audit
    }

    fn associated(&self, place: Place) -> Vec<u8> {
        [
            self.workspace.as_bytes().as_slice(),
            place.column.as_bytes(),
            place.row.as_bytes(),
        ]
        .concat()
    }
}

impl fmt::Debug for WorkspaceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceKeys")
            .field("workspace", &self.workspace)
            .finish_non_exhaustive()
    }
}

fn seal(cipher: &XChaCha20Poly1305, plain: &[u8], associated: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce = rand::random::<[u8; NONCE_BYTES]>();
    let header = [VERSION, FIRST_KEY];
    let aad = [header.as_slice(), associated].concat();
    let ciphertext = cipher
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: plain,
                aad: &aad,
            },
        )
        .map_err(|_| Error::Format)?;
    let mut sealed = Vec::with_capacity(HEADER_BYTES + ciphertext.len());
    sealed.extend_from_slice(&header);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

fn open(cipher: &XChaCha20Poly1305, sealed: &[u8], associated: &[u8]) -> Result<Vec<u8>, Error> {
    let (header, rest) = sealed.split_first_chunk::<2>().ok_or(Error::Format)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Error::Format)?;
    if *header != [VERSION, FIRST_KEY] {
        return Err(Error::Format);
    }
    let aad = [header.as_slice(), associated].concat();
    cipher
        .decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: ciphertext,
                aad: &aad,
            },
        )
        .map_err(|_| Error::Authentication)
}

fn derive(key: &[u8; 32], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hash(key, &[b"leads v1 ", purpose]))
}

fn hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a short key with zeros to its block: done here, so that no length can be refused.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for part in parts {
        mac.update(part);
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEK: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn keys(workspace: Uuid) -> WorkspaceKeys {
        let kek = KeyEncryptionKey::from_base64(KEK).unwrap();
        let wrapped = kek.new_data_key(workspace).unwrap();
        kek.open_data_key(workspace, &wrapped).unwrap()
    }

    fn place(column: &'static str, row: u128) -> Place {
        Place {
            column,
            row: Uuid::from_u128(row),
        }
    }

    #[test]
    fn a_value_opens_only_in_its_own_place() {
        let keys_a = keys(Uuid::from_u128(1));
        let sealed = keys_a
            .seal(place("contacts.profile", 1), b"ana@acme.example")
            .unwrap();
        assert_eq!(
            keys_a.open(place("contacts.profile", 1), &sealed).unwrap(),
            b"ana@acme.example"
        );
        for elsewhere in [place("contacts.profile", 2), place("messages.sealed", 1)] {
            assert_eq!(keys_a.open(elsewhere, &sealed), Err(Error::Authentication));
        }
        let keys_b = keys(Uuid::from_u128(2));
        assert_eq!(
            keys_b.open(place("contacts.profile", 1), &sealed),
            Err(Error::Authentication)
        );
    }

    #[test]
    fn a_data_key_opens_only_for_its_workspace_and_wrapping_key() {
        let kek = KeyEncryptionKey::from_base64(KEK).unwrap();
        let wrapped = kek.new_data_key(Uuid::from_u128(1)).unwrap();
        assert!(kek.open_data_key(Uuid::from_u128(2), &wrapped).is_err());
        let other = KeyEncryptionKey::from_base64("HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        assert!(other.open_data_key(Uuid::from_u128(1), &wrapped).is_err());
    }

    #[test]
    fn equal_addresses_of_two_workspaces_have_different_indexes() {
        let (a, b) = (keys(Uuid::from_u128(1)), keys(Uuid::from_u128(2)));
        let index = |keys: &WorkspaceKeys, kind| keys.value_index(kind, "x@y.example");
        assert_eq!(index(&a, "email"), index(&a, "email"));
        assert_ne!(index(&a, "email"), index(&b, "email"));
        assert_ne!(index(&a, "email"), index(&a, "mailbox"));
        assert_ne!(a.search_token("acme"), b.search_token("acme"));
    }

    proptest! {
        #[test]
        fn damage_is_an_error_and_never_a_panic(plain in prop::collection::vec(any::<u8>(), 0..80), cut in 0usize..64, flip in 0usize..64) {
            let keys = keys(Uuid::from_u128(1));
            let here = place("contacts.profile", 1);
            let sealed = keys.seal(here, &plain).unwrap();
            prop_assert_eq!(keys.open(here, &sealed).unwrap(), plain);
            prop_assert!(keys.open(here, &sealed[..cut.min(sealed.len() - 1)]).is_err());
            let mut damaged = sealed.clone();
            let at = flip % damaged.len();
            damaged[at] ^= 1;
            prop_assert!(keys.open(here, &damaged).is_err());
        }
    }
}

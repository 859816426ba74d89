//! The cipher, the form of what it makes, and keyed hashes.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Error, UNSEALED};

/// 32 bytes that are wiped when they are dropped.
pub type Secret = Zeroizing<[u8; 32]>;

const NONCE_BYTES: usize = 24;
/// First byte of what the workspace's key seals.
const OF_WORKSPACE: u8 = 1;
/// First byte of what a contact's key seals.
const OF_CONTACT: u8 = 2;
/// First byte of what a build that seals nothing stores.
const OPEN: u8 = 0;

/// What opens a sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Number of the data key.
    pub number: u8,
    /// The contact's key, unless the data key itself sealed it.
    pub contact_key: Option<Uuid>,
}

impl Header {
    /// The header of a sealed value.
    ///
    /// # Errors
    /// It has none of a known version.
    pub fn of(sealed: &[u8]) -> Result<Self, Error> {
        Self::split(sealed).map(|(header, ..)| header)
    }

    fn split(sealed: &[u8]) -> Result<(Self, &[u8], &[u8]), Error> {
        let (number, length) = match sealed {
            [OF_WORKSPACE, number, ..] => (*number, 2),
            [OF_CONTACT, number, ..] => (*number, 18),
            _ => return Err(Error::Format),
        };
        let (header, rest) = sealed.split_at_checked(length).ok_or(Error::Format)?;
        let contact_key = match header {
            [OF_CONTACT, _, id @ ..] => Some(Uuid::from_slice(id).map_err(|_| Error::Format)?),
            _ => None,
        };
        Ok((Self { number, contact_key }, header, rest))
    }

    /// As it stands before a value.
    pub fn bytes(self) -> Vec<u8> {
        match self.contact_key {
            None => vec![OF_WORKSPACE, self.number],
            Some(id) => [&[OF_CONTACT, self.number], id.as_bytes().as_slice()].concat(),
        }
    }
}

/// A key of the cipher, wiped when it is dropped.
#[derive(Clone)]
pub struct Cipher(Secret);

impl Cipher {
    pub(crate) fn new(key: Secret) -> Self {
        Self(key)
    }

    pub(crate) fn seal(&self, header: Header, plain: &[u8], associated: &[u8]) -> Result<Vec<u8>, Error> {
        if UNSEALED {
            return Ok([&[OPEN], plain].concat());
        }
        let nonce = rand::random::<[u8; NONCE_BYTES]>();
        let mut sealed = header.bytes();
        let aad = [sealed.as_slice(), associated].concat();
        let payload = Payload {
            msg: plain,
            aad: &aad,
        };
        let ciphertext = self
            .key()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Format)?;
        sealed.reserve_exact(NONCE_BYTES + ciphertext.len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    pub(crate) fn open(&self, sealed: &[u8], associated: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(plain) = in_the_open(sealed) {
            return Ok(plain);
        }
        let (_, header, rest) = Header::split(sealed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Error::Format)?;
        let aad = [header, associated].concat();
        let payload = Payload {
            msg: ciphertext,
            aad: &aad,
        };
        self.key()
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| Error::Authentication)
    }

    fn key(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

/// What a build that seals nothing stored; never anything in a build that does.
pub(super) fn in_the_open(sealed: &[u8]) -> Option<Vec<u8>> {
    match sealed {
        [OPEN, plain @ ..] if UNSEALED => Some(plain.to_vec()),
        _ => None,
    }
}

/// A random secret.
pub fn new_secret() -> Secret {
    Zeroizing::new(rand::random())
}

/// Keyed hash of a credential's secret.
pub fn digest(pepper: &Secret, secret: &str) -> [u8; 32] {
    hash(pepper, &[secret.as_bytes()])
}

pub(super) fn derive(key: &[u8; 32], purpose: &[u8]) -> Secret {
    Zeroizing::new(hash(key, &[b"leads v1 ", purpose]))
}

pub(super) fn hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
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

/// Bytes as a secret.
pub(super) fn secret_of(bytes: &[u8]) -> Result<Secret, Error> {
    bytes.try_into().map(Zeroizing::new).map_err(|_| Error::Format)
}

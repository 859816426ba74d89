//! What opens values of contacts.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    Error, Place, WorkspaceKeys,
    cipher::{Cipher, Header, Secret},
};

/// Something that opens values.
pub trait Opens {
    /// Decrypts a value of its place.
    ///
    /// # Errors
    /// It is damaged, was sealed for another place or workspace, or its key is not there.
    fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Secrets of some contacts, beside the keys of their workspace: enough to open the values that they were fetched for.
#[derive(Debug)]
pub struct ContactSecrets<'a> {
    keys: &'a WorkspaceKeys,
    secrets: HashMap<Uuid, Arc<Secret>>,
    destroyed: HashSet<Uuid>,
}

impl<'a> ContactSecrets<'a> {
    /// The secrets by the ids of their keys, and which keys were destroyed.
    pub fn new(
        keys: &'a WorkspaceKeys,
        secrets: HashMap<Uuid, Arc<Secret>>,
        destroyed: HashSet<Uuid>,
    ) -> Self {
        Self {
            keys,
            secrets,
            destroyed,
        }
    }

    /// Whether the key of a value was destroyed: the person was erased.
    pub fn is_destroyed(&self, sealed: &[u8]) -> bool {
        let key = Header::of(sealed).ok().and_then(|header| header.contact_key);
        key.is_some_and(|key| self.destroyed.contains(&key))
    }
}

impl Opens for ContactSecrets<'_> {
    fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let Ok(Header {
            number,
            contact_key: Some(id),
        }) = Header::of(sealed)
        else {
            return self.keys.open(place, sealed);
        };
        let secret = self.secrets.get(&id).ok_or(if self.destroyed.contains(&id) {
            Error::Destroyed
        } else {
            Error::NoKey
        })?;
        let key = self.keys.contact_key(number, secret)?;
        Cipher::new(key).open(sealed, &self.keys.associated(place))
    }
}

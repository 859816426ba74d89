//! The keys of one workspace.

use std::fmt;

use uuid::Uuid;

use super::{
    Error, Opens, Place, Seals,
    cipher::{Cipher, Header, Secret, derive, hash, in_the_open, secret_of},
    sealer::{Sealer, associated},
};
use crate::domain::audit::ChainKey;

/// One of the keys that hash what is searched.
pub struct IndexKey {
    number: i16,
    values: Secret,
    words: Secret,
    is_written: bool,
}

impl IndexKey {
    /// Bytes of its secret.
    pub const BYTES: usize = 64;

    /// The key of a secret of 64 bytes; new rows have it if it `is_written`.
    ///
    /// # Errors
    /// The secret has another length.
    pub fn new(number: i16, secret: &[u8], is_written: bool) -> Result<Self, Error> {
        let (values, words) = secret.split_at_checked(32).ok_or(Error::Format)?;
        Ok(Self {
            number,
            values: secret_of(values)?,
            words: secret_of(words)?,
            is_written,
        })
    }

    /// Its number, from 1.
    pub fn number(&self) -> i16 {
        self.number
    }

    /// Whether new rows have it.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Keyed hash by which a value is found among those of its kind.
    pub fn value(&self, kind: &str, value: &str) -> Vec<u8> {
        let mut hash = hash(&self.values, &[kind.as_bytes(), value.as_bytes()]).to_vec();
        hash.truncate(16);
        hash
    }

    /// Keyed hash of a search word: 12 letters from `a` to `p`, 48 bits.
    pub fn word(&self, term: &str) -> String {
        let hash = hash(&self.words, &[term.as_bytes()]);
        let letter = |nibble: u8| char::from(b'a' + nibble);
        hash.iter()
            .take(6)
            .flat_map(|byte| [letter(byte >> 4), letter(byte & 15)])
            .collect()
    }
}

/// A data key.
struct DataKey {
    sealer: Sealer,
    contacts: Secret,
}

/// Keys of one workspace.
pub struct WorkspaceKeys {
    workspace: Uuid,
    current: DataKey,
    /// Those that values may still be sealed under, or will be soon.
    others: Vec<DataKey>,
    /// Newest first.
    indexes: Vec<IndexKey>,
    audit: ChainKey,
}

impl WorkspaceKeys {
    /// The keys of a workspace that has one data key and nothing else: all others come from it.
    pub fn of(workspace: Uuid, number: u8, key: &Secret) -> Self {
        Self {
            workspace,
            current: DataKey::new(workspace, number, key),
            others: Vec::new(),
            indexes: vec![IndexKey {
                number: 1,
                values: derive(key, b"blind index"),
                words: derive(key, b"search words"),
                is_written: true,
            }],
            audit: ChainKey::new(&derive(key, b"audit chain")),
        }
    }

    /// The same keys, which open what another data key sealed as well.
    #[must_use]
    pub fn and_opening(mut self, number: u8, key: &Secret) -> Self {
        self.others.push(DataKey::new(self.workspace, number, key));
        self
    }

    /// The same keys with index keys of their own, newest first.
    #[must_use]
    pub fn with_indexes(mut self, indexes: Vec<IndexKey>) -> Self {
        self.indexes = indexes;
        self
    }

    /// The same keys with an audit key of its own.
    #[must_use]
    pub fn with_audit(mut self, key: &Secret) -> Self {
        self.audit = ChainKey::new(key);
        self
    }

    /// What the index and audit keys are while the first data key is all there is: to be kept when it goes.
    pub(in crate::storage) fn first_secrets(key: &Secret) -> (Vec<u8>, Secret) {
        let (values, words) = (derive(key, b"blind index"), derive(key, b"search words"));
        let index = [values.as_slice(), words.as_slice()].concat();
        (index, derive(key, b"audit chain"))
    }

    /// The workspace.
    pub fn workspace(&self) -> Uuid {
        self.workspace
    }

    /// What seals under the workspace's key.
    pub fn sealer(&self) -> &Sealer {
        &self.current.sealer
    }

    /// What seals under a contact's key.
    pub fn contact_sealer(&self, id: Uuid, secret: &Secret) -> Sealer {
        let header = Header {
            number: self.current.sealer.header.number,
            contact_key: Some(id),
        };
        Sealer {
            workspace: self.workspace,
            header,
            cipher: Cipher::new(Secret::new(hash(&self.current.contacts, &[secret.as_slice()]))),
        }
    }

    /// The key that a data key and a contact's secret make.
    pub(super) fn contact_key(&self, number: u8, secret: &Secret) -> Result<Secret, Error> {
        let data = self.data_key(number)?;
        Ok(Secret::new(hash(&data.contacts, &[secret.as_slice()])))
    }

    fn data_key(&self, number: u8) -> Result<&DataKey, Error> {
        std::iter::once(&self.current)
            .chain(&self.others)
            .find(|key| key.sealer.header.number == number)
            .ok_or(Error::DataKey(number))
    }

    /// Keyed hashes by which a value may be found among those of its kind.
    pub fn value_indexes(&self, kind: &str, value: &str) -> Vec<Vec<u8>> {
        self.indexes.iter().map(|key| key.value(kind, value)).collect()
    }

    /// Keyed hashes of search words, once for each key that they may be stored with.
    pub fn search_tokens(&self, terms: &[String]) -> Vec<Vec<String>> {
        let tokens = |key: &IndexKey| terms.iter().map(|term| key.word(term)).collect();
        self.indexes.iter().map(tokens).collect()
    }

    /// The index keys, newest first.
    pub fn indexes(&self) -> &[IndexKey] {
        &self.indexes
    }

    /// The newest index key that rows are written with.
    pub fn newest_index(&self) -> Option<&IndexKey> {
        self.indexes.iter().find(|key| key.is_written)
    }

    /// Key of the workspace's audit log.
    pub fn audit(&self) -> &ChainKey {
        &self.audit
    }

    pub(super) fn associated(&self, place: Place) -> Vec<u8> {
        associated(self.workspace, place)
    }
}

impl DataKey {
    fn new(workspace: Uuid, number: u8, key: &Secret) -> Self {
        let header = Header {
            number,
            contact_key: None,
        };
        Self {
            sealer: Sealer {
                workspace,
                header,
                cipher: Cipher::new(derive(key, b"seal")),
            },
            contacts: derive(key, b"contact keys"),
        }
    }
}

impl Seals for WorkspaceKeys {
    fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.current.sealer.seal(place, plain)
    }
}

impl Opens for WorkspaceKeys {
    fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(plain) = in_the_open(sealed) {
            return Ok(plain);
        }
        let header = Header::of(sealed)?;
        if header.contact_key.is_some() {
            return Err(Error::NoKey);
        }
        let data = self.data_key(header.number)?;
        data.sealer.cipher.open(sealed, &self.associated(place))
    }
}

impl fmt::Debug for WorkspaceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceKeys")
            .field("workspace", &self.workspace)
            .finish_non_exhaustive()
    }
}

//! Sealing under one key: that of a workspace or that of a contact.

use uuid::Uuid;

use super::{
    Error, Place,
    cipher::{Cipher, Header},
};

/// Something that values are sealed under.
pub trait Seals {
    /// Encrypts a value for its place.
    ///
    /// # Errors
    /// The value is longer than the cipher takes (256 GiB).
    fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>, Error>;
}

/// A key to seal under.
#[derive(Clone)]
pub struct Sealer {
    pub(super) workspace: Uuid,
    pub(super) header: Header,
    pub(super) cipher: Cipher,
}

impl Sealer {
    /// The header of what it seals.
    pub fn header(&self) -> Header {
        self.header
    }
}

impl Seals for Sealer {
    fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.cipher
            .seal(self.header, plain, &associated(self.workspace, place))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("workspace", &self.workspace)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

pub(super) fn associated(workspace: Uuid, place: Place) -> Vec<u8> {
    [
        workspace.as_bytes().as_slice(),
        place.column.as_bytes(),
        place.row.as_bytes(),
    ]
    .concat()
}

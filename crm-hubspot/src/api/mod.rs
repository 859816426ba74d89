//! HubSpot's wire: bodies and endpoints as HubSpot documents them, read leniently because its answers drift.

mod account;
mod batch;
mod endpoint;
mod error;
mod property;
mod removal;

pub use account::AccountDetails;
pub use batch::{BatchAnswer, BatchInput, BatchRead, BatchWrite, ReadInput, Record, WriteInput};
pub use endpoint::{Endpoint, Endpoints};
pub use error::{ErrorBody, ErrorDetail};
pub use property::{Choice, Modification, Property, PropertyCreate, PropertyList, PropertyOption};
pub use removal::{BatchArchive, GdprDelete};

/// Most inputs of any object batch call; 101 are a 400.
pub const BATCH_MAX: usize = 100;

//! Reading, changing, syncing and deleting leads.

mod change;
mod delete;
mod duplicates;
mod page;
mod read;
mod sync;

pub use change::LeadChange;
pub use duplicates::Duplicate;
pub(super) use page::List;
pub use page::Page;
pub(super) use read::attribute_bytes;

//! Reading, changing, syncing and deleting leads.

mod change;
mod delete;
mod duplicates;
mod merge;
mod page;
mod read;
mod sync;

pub use change::LeadChange;
pub use duplicates::Duplicate;
pub use merge::Merged;
pub(super) use merge::{broken, is_grouped};
pub(super) use page::List;
pub use page::Page;
pub(super) use read::attribute_bytes;

//! What a capture or a message changes: from what was read and what came in to what is stored and shown. No I/O.

mod capture;
mod consent;
mod conversation;
mod group;
mod identities;
mod known;
mod lead;
mod occasion;
mod owe;

pub use capture::{Collected, Planned, capture};
pub use consent::record_consent;
pub use conversation::{append_messages, append_to_contact};
pub use group::{Arrival, Group, Kept, Member, arrive, merge, unmerge};
pub use known::{Known, SHOWN_CONSENTS, Whom};
pub use occasion::Occasion;
pub use owe::{owe, standing};

//! What a capture or a message changes: from what was read and what came in to what is stored and shown. No I/O.

mod capture;
mod conversation;
mod known;
mod lead;
mod occasion;
mod owe;

pub use capture::{Collected, Planned, capture};
pub use conversation::append_messages;
pub use known::{Known, SHOWN_CONSENTS};
pub use occasion::Occasion;
pub use owe::{owe, standing};

//! Merging leads, and taking merges back exactly.
//!
//! What is stored: a merge moves nothing. Every lead keeps its own [`State`] and its own children (messages, notes,
//! consents, jobs), each with the lead that it came through. A merge is a record beside them that says who absorbed
//! whom, when, and what was chosen by hand. A [`Person`] is a lead with the leads that it absorbed, and they with
//! theirs.
//!
//! How it moves: a capture changes the own state of the lead that its address belongs to, a change by hand the own
//! state of the lead that survived. What is shown is computed from the own states ([`Person::united`]), in the order of
//! the merges.
//!
//! What must hold: undoing a merge leaves both leads as if it had never been, with the events that came in between;
//! merges are undone in the opposite order of their making; the preview of a merge is its result.

mod link;
mod part;
mod person;
mod preview;
mod state;
mod transcript;
mod unite;

#[cfg(test)]
mod properties;

pub use link::{Link, Merge, consent_of};
pub use part::{Choice, Part, Side};
pub use person::{Absorbed, MOST_LEADS, Person, Refusal};
pub use preview::{Choices, Line, United, Why};
pub use state::{State, Update};
pub use transcript::{in_order, transcript};

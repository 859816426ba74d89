//! People who were erased: what is still to be done elsewhere, and a receipt for each system.
//!
//! Stored: `erasures`, and in `erasure_receipts` a row per system; both hold ids that lead nowhere any more, never data of
//! the person. What a CRM is owed is a job with the action `erase`, which knows the CRM's record and nothing else.
//!
//! Moves: the deletion makes all of it in its transaction; a receipt goes `pending → erased | not_present | failed` with
//! what is read back from its system, and each settled receipt is told to the audit log.
//!
//! Holds: a receipt says `erased` only after a read-back that found nothing; a CRM that brings the record back, by a write
//! that was thought lost, makes it `pending` again.

mod jobs;
mod read;
mod receipts;
mod system;

pub(super) use jobs::{Owed, owe};
pub use receipts::Told;
pub(super) use receipts::{Receipts, given_up, note, open, reopen, unreachable};
pub use system::{Hint, Hints, Waiting};

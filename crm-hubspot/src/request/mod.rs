//! A batch of leads to the calls that it needs, and what each answer means for its rows. Pure.
//!
//! What is stored: a [`Plan`] holds steps that wait (a call and its rows) and outcomes. Every row is in exactly one
//! step or has its outcome.
//!
//! How it moves: rows that are not linked are looked up by address; found ones are updated by record id, which also
//! sets our key, the rest and the linked ones are upserted by our key. A whole batch that is refused for the sake of
//! one row is cut in halves until the row is alone; only a conflict is first looked up again, all rows at once, since
//! one lookup replaces a dozen halvings. A refusal that is nobody's fault ends the plan.
//!
//! What must hold: answers are matched by trace id or by our key, never by position or address; a written row that
//! no answer mentions is unknown, never delivered; an address that HubSpot knows never makes a second contact.

mod call;
mod lookup;
mod plan;
mod reply;
mod row;
mod verify;
mod write;

pub use call::Call;
pub use plan::{Plan, Step};
pub use reply::{Reply, done, read};
pub use row::{Links, Row};

#[cfg(test)]
mod tests;

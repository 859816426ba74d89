//! A batch of leads to the calls that it needs, and what each answer means for its rows. Pure.
//!
//! What is stored: a [`Plan`] holds steps that wait (the rows of one call each) and outcomes. Every row is in exactly one
//! step or has its outcome.
//!
//! How it moves: rows are upserted by our key, two hundred a call. A row that lost a race for a new key, or whose record is
//! gone, is sent once more; a request that is refused for the sake of one row is cut in halves until that row is alone. A
//! refusal that is nobody's fault ends the plan.
//!
//! What must hold: Salesforce's answers are in the request's order and name no key, so an answer of another length says
//! nothing about any row: all are unknown, none is delivered.

mod plan;
mod row;

pub use plan::Plan;
pub use row::Row;

#[cfg(test)]
mod tests;

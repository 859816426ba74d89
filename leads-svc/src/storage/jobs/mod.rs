//! What CRMs are owed: one job per lead and provider, and the delivery protocol on it.
//!
//! Stored: `sync_jobs`; the revision that the CRM should have, the one it is known to have, and who may act.
//!
//! Each job has an action: `upsert` brings the record up to date, `remove` archives it while another lead stands for the
//! person, `erase` deletes it for good and outlives its lead.
//!
//! Moves: `pending → published → running → done | dead`, by `write` (a change is owed), `publish` (its hint goes onto a
//! stream), `claim` (a connector takes a lease), `report` (what became of it), `sweep` (what was lost comes back).
//!
//! Holds: a job leaves the owed set only when its result is recorded here; the right to act is a lease and a token
//! taken by compare-and-set; a report counts only with the token of its lease.

pub mod backfill;
pub mod breaker;
pub mod census;
pub mod claim;
mod give_up;
mod gone;
pub mod publish;
pub mod read;
pub(in crate::storage) mod records;
pub mod report;
pub mod sweep;
pub mod write;

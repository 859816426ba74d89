//! Scheduled work, one file each.

pub mod backfill;
pub mod housekeeping;
pub mod retention;

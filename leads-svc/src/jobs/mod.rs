//! Scheduled work, one file each.

pub mod backfill;
pub mod housekeeping;

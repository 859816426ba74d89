//! Scheduled work, one file each.

pub mod backfill;
pub mod housekeeping;
pub mod keys;
pub mod renewal;
pub mod retention;

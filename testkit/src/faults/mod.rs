//! Faults between real processes, and how many of all kinds there were.

mod proxy;
pub mod tally;

pub use proxy::{Link, Proxy};

//! Faults between real processes.

mod proxy;

pub use proxy::{Link, Proxy};

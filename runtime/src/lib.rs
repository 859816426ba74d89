//! What every process of Leads needs and none is about: process plumbing, the clock, hint streams, the delivery
//! pipeline and the vendor HTTP client.
//!
//! This crate holds no rule about leads, no vendor's name and no SQL.

pub mod clock;
pub mod crash;
pub mod delivery;
pub mod ids;
pub mod process;
pub mod quota;
pub mod redact;
pub mod stream;
pub mod vendor;

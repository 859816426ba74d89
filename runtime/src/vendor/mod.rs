//! HTTP to vendors, with limits on everything that a vendor controls.

pub mod client;
pub mod retry_after;

pub use client::{ClientLimits, TransportError, VendorClient, VendorResponse};

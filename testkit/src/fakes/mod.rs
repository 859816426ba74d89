//! Vendor simulators: servers on a loopback port that behave as the vendors document, share no types with the
//! connectors, and can be told to misbehave.

pub mod hubspot;
mod listener;
pub mod oidc;
pub mod salesforce;

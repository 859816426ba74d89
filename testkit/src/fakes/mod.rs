//! Vendor simulators: servers on a loopback port that behave as the vendors document, share no types with the
//! connectors, and can be told to misbehave.

pub mod hubspot;
pub mod oidc;

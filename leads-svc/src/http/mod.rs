//! REST: the same calls as gRPC, spelled in JSON as the contract's `google.api.http` annotations say; and what browsers
//! need to sign in.

mod answer;
mod csv;
mod docs;
pub mod openapi;
mod problem;
mod sign_in;
pub mod transcode;

pub use self::{sign_in::Desk, transcode::Rest};

//! REST: the same calls as gRPC, spelled in JSON as the contract's `google.api.http` annotations say.

mod answer;
mod csv;
mod docs;
pub mod openapi;
mod problem;
pub mod transcode;

pub use transcode::Rest;

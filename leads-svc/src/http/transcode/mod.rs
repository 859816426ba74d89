//! Serves REST by calling gRPC: a table of routes, one message in, one message out.
//!
//! How a call moves: [`Rest::serving`] finds the route and calls the gRPC stack with the body still unread, so that
//! deadline, key and scope are checked first; [`Rest::decoding`], behind those checks, reads query and JSON into the
//! one frame that the method takes. The answer, or the status, comes back through the same stack and becomes JSON.
//! What must hold: nothing is served that gRPC would refuse, and no field is dropped silently.

mod faults;
mod fill;
mod json;
mod query;
mod request;
mod rest;
pub(super) mod route;
mod scalar;
mod show;
mod template;
mod wire;
pub(super) mod words;

pub use self::rest::{BadContract, Rest};

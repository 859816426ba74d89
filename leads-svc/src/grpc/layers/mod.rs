//! What stands between a connection and a method: trace, transport rules, deadline, authentication, scope, framing.
//!
//! How a call moves: [`trace`] gives it a span and ids; [`stack`] applies the rules in their order, so that a caller
//! learns of a bad key before anything of the body is read; [`frames`] hands tonic one whole, decompressed message.
//! What must hold: every answer that is not OK carries an ErrorInfo with a reason from the closed list.

mod auth;
mod budget;
pub mod deadline;
mod frames;
mod head;
pub mod limits;
mod meters;
pub(super) mod opening;
pub(super) mod seats;
pub mod stack;
pub mod trace;
pub(super) mod unread;

pub use self::{
    auth::Allowance,
    deadline::Deadline,
    frames::framed,
    limits::Limits,
    stack::{Calls, Stack},
};

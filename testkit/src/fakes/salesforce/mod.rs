//! A stateful Salesforce org: its leads and their schema, OAuth with every flow that servers use, the REST resources
//! that move leads, and faults on demand.
//!
//! What is stored: the apps and the tokens given to them, the fields of Lead, the leads with the history of our
//! revision, how many calls of the day are used, the scripted faults and a bounded request log. All of it is in memory
//! and gone with the server.
//!
//! How it moves: a request is stamped, offered to the scripted faults, and only then counted, authorised and carried out
//! under the org's lock; the log entry is written before the answer leaves. `/_sim/…` is the control API and is never
//! counted or logged.
//!
//! What must hold: an answer says what the org did (unless a fault says otherwise); answers of Collections are in the
//! request's order; two live leads never share a unique value; a request that reached the org is carried out even when
//! its client has hung up.
//!
//! Rules are from Salesforce's documentation as collected in the vendor notes; the ones nobody has measured are marked
//! "unconfirmed" where they are coded.

mod analysis;
mod collections;
mod control;
mod errors;
mod fault;
mod ids;
mod jwt;
mod lead;
mod log;
mod oauth;
mod options;
mod org;
mod pipeline;
mod query;
mod route;
mod schema;
mod server;
mod simulation;
mod soql;
mod values;

#[cfg(test)]
mod tests;

pub use analysis::{Duplicate, StepBack};
pub use fault::{Answer, Apply, Fault, FaultId};
pub use lead::{Conversion, LeadView};
pub use log::{Outcome, RequestEntry, RequestFilter, Row};
pub use options::{
    AppOptions, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DuplicateRule, JwtUser,
    SalesforceOptions,
};
pub use route::Route;
pub use schema::FieldSpec;
pub use server::SalesforceServer;
pub use simulation::Simulation;

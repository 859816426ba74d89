//! A stateful HubSpot: contacts, properties and account details of several portals, with HubSpot's limits,
//! partial failures and oddities, a request log, and faults on demand.
//!
//! What is stored: per portal its property definitions, its contacts with their unique indexes and write
//! history, and its rate-limit windows; per server the scripted faults and a bounded request log. All of it is
//! in memory and gone with the server.
//!
//! How it moves: a request is stamped, counted against the limits of its token, offered to the scripted faults,
//! and only then authorised and handled under its portal's lock; the log entry is written before the answer
//! leaves. `/_sim/…` is the control API and is never counted, limited or logged.
//!
//! What must hold: an answer says what the store did (unless a fault says otherwise); a refused batch has
//! written nothing; two live contacts never share an address or a unique value; a request that reached the
//! store is applied even when its client has hung up.
//!
//! Rules are from HubSpot's documentation and recordings as collected in the vendor notes; the ones nobody has
//! measured are marked "unconfirmed" where they are coded.

mod account;
mod analysis;
mod batch_input;
mod batch_plan;
mod batch_read;
mod batch_write;
mod built_in;
mod clock;
mod contact;
mod control;
mod control_input;
mod errors;
mod exchange;
mod fault;
mod fault_answers;
mod faults;
mod inspect;
mod limits;
mod log;
mod merge;
mod options;
mod pipeline;
mod portal;
mod portal_view;
mod property_api;
mod property_body;
mod records;
mod reply;
mod route;
mod rows;
mod rules;
mod schema;
mod search;
mod search_filter;
mod server;
mod simulation;
mod store;
mod values;

#[cfg(test)]
mod tests;

pub use analysis::{Analysis, Duplicate, PropertyWrite, StepBack};
pub use fault::{Answer, Apply, Fault, FaultId};
pub use faults::FaultView;
pub use inspect::ContactView;
pub use limits::Policy;
pub use log::{Outcome, RequestEntry, RequestFilter, Row};
pub use options::{
    ALL_SCOPES, DEFAULT_PORTAL, DEFAULT_TOKEN, HubspotOptions, PortalOptions, Tier, TokenOptions,
};
pub use portal_view::{PortalPatch, PortalView};
pub use route::Route;
pub use server::HubspotServer;
pub use simulation::Simulation;

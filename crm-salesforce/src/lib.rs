//! Keeps Salesforce leads in step with leads.
//!
//! `sink` is the pipeline's order; `request` decides, without I/O, which calls a batch needs and what each answer means
//! for its rows; `removal` takes records away; `session` has one replica at a time ask for a new session; `service` makes
//! a call; `errors` turns Salesforce's refusals into outcomes; `map` knows which field holds what; `connect` checks an
//! org and says what its admin has to create; `api` is Salesforce's wire.

pub mod api;
pub mod config;
pub mod connect;
pub mod errors;
pub mod limits;
pub mod login;
pub mod map;
pub mod removal;
pub mod request;
pub mod service;
pub mod session;
pub mod sink;

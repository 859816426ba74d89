//! Keeps HubSpot contacts in step with leads.
//!
//! `sink` is the pipeline's order; `request` decides, without I/O, which calls a batch needs and what each answer means
//! for its rows; `removal` takes records away; `service` makes a call; `errors` turns HubSpot's refusals into outcomes; `map` knows which property
//! holds which field; `connect` checks an account and makes the properties that are missing; `api` is HubSpot's wire.

pub mod api;
pub mod config;
pub mod connect;
pub mod errors;
pub mod limits;
pub mod map;
pub mod removal;
pub mod request;
pub mod service;
pub mod sink;

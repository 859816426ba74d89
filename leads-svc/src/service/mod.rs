//! Use cases: who may, what is stored in one transaction, what is owed after it.

pub mod auth;
pub mod capture;
pub mod connector;
pub mod contacts;
pub mod core;
pub mod entitlements;
pub mod error;
pub mod integrations;
pub mod keys;
pub mod leads;
pub mod members;
pub mod page_token;
pub mod plan;
pub mod principal;
pub mod qualification;
pub mod rotation;
pub mod turns;
pub mod upkeep;
pub mod usage;
pub mod view;
pub mod workspaces;
pub mod writer;

//! Every method of the contract through the doors, with real keys. A new method without a case fails.

mod bad_input;
mod exports;
mod foreign;
mod forged;
mod guessing;
mod isolation;
mod keys;
mod lists;
mod members;
mod order;
mod plans;
mod platform;
mod rates;
mod rest;
mod rotation;
mod scopes;
pub mod service;
mod walk;
mod wrong;

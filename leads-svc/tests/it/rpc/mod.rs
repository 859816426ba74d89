//! Every method of the contract through the doors, with real keys. A new method without a case fails.

mod bad_input;
mod isolation;
mod keys;
mod rates;
mod rest;
mod scopes;
mod service;

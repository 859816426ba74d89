//! Between wire messages and domain values. Requests are checked whole: every violation is found at once.

pub mod capture;
pub mod check;
pub mod connection;
pub mod connector;
pub mod consent;
pub mod contacts;
pub mod erasure;
pub mod keys;
pub mod lead;
pub mod list;
pub mod mask;
pub mod members;
pub mod merge;
pub mod plans;
pub mod privacy;
pub mod query;
mod salesforce;
pub mod settings;
pub mod times;
pub mod words;

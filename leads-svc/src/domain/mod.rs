//! What the product is about, as plain data and rules: no I/O, no clock, no wire format.

pub mod activity;
pub mod audit;
pub mod capture;
pub mod consent;
pub mod consent_policy;
pub mod contact;
pub mod conversation;
pub mod duplicates;
pub mod email;
pub mod filled_at;
pub mod icp;
pub mod identity;
pub mod ids;
pub mod lead;
pub mod member;
pub mod merge;
pub mod page;
pub mod plan;
pub mod retention;
pub mod score;
pub mod search;
pub mod sync;
pub mod text;
pub mod usage;
pub mod violation;
pub mod workspace;

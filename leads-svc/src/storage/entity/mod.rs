//! Rows as the tables hold them, one file a table.

pub mod activity;
pub mod api_key;
pub mod connection;
pub mod connection_task;
pub mod connector_replica;
pub mod consent;
pub mod contact;
pub mod idempotency;
pub mod identity;
pub mod lead;
pub mod member;
pub mod merge;
pub mod message;
pub mod score;
pub mod sync_job;
pub mod usage;
pub mod workspace;

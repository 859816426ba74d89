//! Rows as the tables hold them, one file a table.

pub mod activity;
pub mod api_key;
pub mod audit;
pub mod audit_anchor;
pub mod audit_head;
pub mod connection;
pub mod connection_task;
pub mod connector_replica;
pub mod consent;
pub mod contact;
pub mod contact_key;
pub mod data_key;
pub mod former_key;
pub mod idempotency;
pub mod identity;
pub mod key_root;
pub mod lead;
pub mod member;
pub mod merge;
pub mod message;
pub mod personal_read;
pub mod renewal;
pub mod score;
pub mod sync_job;
pub mod usage;
pub mod workspace;

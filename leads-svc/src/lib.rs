//! The system of record of Leads: it owns every row, and calls no vendor.
//!
//! Who may name whom: `domain` names nothing of ours; `qualify` and `storage` name `domain`; `scoring` names `domain`
//! and the evidence of `qualify`; `dispatch` names `domain` and `storage`; `service` names all of these but `dispatch`;
//! `grpc`, `http` and `jobs` name `service` and `domain`, and not each other; `app`, `cli`, `config` and `main` name
//! everything. `tests/architecture.rs` holds it.

pub mod app;
pub mod cli;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod grpc;
pub mod http;
pub mod jobs;
pub mod qualify;
pub mod scoring;
pub mod service;
pub mod storage;

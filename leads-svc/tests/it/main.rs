//! The integration tests of leads-svc: one binary against real databases and real connections.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "helpers of tests are tests, though they have no test attribute"
)]

mod at_rest;
mod audit;
mod captures;
mod command_line;
mod consents;
mod contacts;
mod conversations;
mod delivery;
mod duplicates;
mod edge;
mod encryption;
mod erasures;
mod filters;
mod groups;
mod leads;
mod lists;
mod merges;
mod planner;
mod plans;
mod policies;
mod population;
mod privacy;
mod read_only;
mod rpc;
mod searching;
mod sign_in;
mod sizes;
mod stored_answers;
mod upgrade;
mod workspaces;
mod world;

//! The whole product as real processes: Redis, storage, the vendors' simulators, leads-svc and any number of
//! connector replicas, with a workspace, its key, and a connection to the simulator.

mod cli;
mod options;
mod running;
mod salesforce;
mod service;
mod settle;
mod sign_in;

pub use cli::{Cli, Workspace};
pub use options::{Postgresql, StackOptions, Storage, Timing};
pub use running::{Links, Stack};
pub use salesforce::Salesforce;
pub use service::Service;
pub use settle::{hubspot_link, link_to};
pub use sign_in::{PEOPLE, SignIn};

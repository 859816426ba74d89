//! The delivery pipeline of a connector: hint → quota → claim → vendor → report → acknowledgement.

mod act;
mod batch;
mod claim;
mod connection_tasks;
mod connections;
pub mod connector;
mod driver;
mod grouping;
mod instruments;
pub mod layers;
pub mod lease;
pub mod names;
pub mod outcome;
mod queue;
pub mod reply;
mod report;
pub mod service;
pub mod settings;
pub mod words;

pub use connector::{Connection, Destination, WorkItem};
pub use driver::{CRASH_POINTS, DriverParts, READY_LEADS, READY_REDIS, start};
pub use layers::{CallError, CallSettings, ReadFeedback, VendorCall, VendorCalls};
pub use lease::LeaseBudget;
pub use outcome::{ItemOutcome, Outcome, TaskOutcome};
pub use reply::Reply;
pub use service::{LeadsConfig, LeadsService, ServiceError};
pub use settings::DeliveryConfig;

#[cfg(test)]
mod test_leads;
#[cfg(test)]
mod test_world;
#[cfg(test)]
mod tests;

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
pub mod outcome;
mod queue;
mod report;
pub mod service;
pub mod settings;

pub use connector::{Connection, Destination, WorkItem};
pub use driver::{CRASH_POINTS, DriverParts, READY_LEADS, READY_REDIS, start};
pub use layers::{CallError, CallSettings, ReadFeedback, VendorCall, VendorCalls};
pub use lease::LeaseBudget;
pub use outcome::{ItemOutcome, Outcome, TaskOutcome};
pub use service::{LeadsConfig, LeadsService, ServiceError};
pub use settings::DeliveryConfig;

#[cfg(test)]
mod test_leads;
#[cfg(test)]
mod test_world;
#[cfg(test)]
mod tests;

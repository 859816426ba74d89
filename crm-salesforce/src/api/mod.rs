//! Salesforce's wire: bodies and resources as Salesforce documents them, read leniently.

mod describe;
mod error;
mod record;
mod resource;
mod token;

pub use describe::{Describe, Field, Version};
pub use error::{ErrorItem, RowError};
pub use record::{LeadRecord, Query, RowResult, WriteBody};
pub use resource::{Resource, Rules};
pub use token::{Granted, TokenError};

/// Most records of a Collections call; 201 are refused.
pub const BATCH_MAX: usize = 200;

//! `POST …/batch/archive` and `POST …/gdpr-delete`. Both answer 204 without a body.

use serde::Serialize;

use super::batch::ReadInput;

/// Records to move to the recycle bin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchArchive {
    /// At most [`super::BATCH_MAX`] record ids.
    pub inputs: Vec<ReadInput>,
}

/// A record to delete for good.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GdprDelete {
    /// The record's id; never an address.
    pub object_id: String,
}

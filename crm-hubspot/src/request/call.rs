//! The calls of a plan and their bodies.

use std::collections::BTreeSet;

use super::Row;
use crate::api::{BatchInput, BatchRead, BatchWrite, Endpoint, ReadInput, WriteInput};
use crate::map::{EMAIL_PROPERTY, KEY_PROPERTY, LIFECYCLE_PROPERTY, MORE_EMAILS_PROPERTY, REVISION_PROPERTY};

/// What to do with a step's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Find contacts by address.
    Lookup,
    /// Write to contacts that were found, by record id.
    Update,
    /// Write by our key.
    Upsert,
    /// Read by our key.
    Verify,
}

impl Call {
    /// HubSpot's operation.
    pub const fn endpoint(self) -> Endpoint {
        match self {
            Self::Lookup | Self::Verify => Endpoint::BatchRead,
            Self::Update => Endpoint::BatchUpdate,
            Self::Upsert => Endpoint::BatchUpsert,
        }
    }

    /// The body for these rows.
    pub fn body(self, rows: &[Row]) -> BatchInput {
        match self {
            Self::Lookup => read(
                EMAIL_PROPERTY,
                rows.iter().map(|row| row.email.as_str()),
                &[
                    EMAIL_PROPERTY,
                    MORE_EMAILS_PROPERTY,
                    LIFECYCLE_PROPERTY,
                    KEY_PROPERTY,
                ],
            ),
            Self::Verify => read(
                KEY_PROPERTY,
                rows.iter().map(|row| row.lead_id.as_str()),
                &[KEY_PROPERTY, REVISION_PROPERTY],
            ),
            Self::Update | Self::Upsert => BatchInput::Write(BatchWrite {
                inputs: rows.iter().map(|row| self.input(row)).collect(),
            }),
        }
    }

    fn input(self, row: &Row) -> WriteInput {
        let object_write_trace_id = row.job_id.clone();
        match (self, &row.found) {
            (Self::Update, Some((record_id, properties))) => WriteInput {
                id: record_id.clone(),
                id_property: None,
                properties: properties.clone(),
                object_write_trace_id,
            },
            _ => WriteInput {
                id: row.lead_id.clone(),
                id_property: Some(KEY_PROPERTY),
                properties: row.properties.clone(),
                object_write_trace_id,
            },
        }
    }
}

/// HubSpot refuses a read that names something twice.
fn read<'a>(key: &'static str, ids: impl Iterator<Item = &'a str>, properties: &[&str]) -> BatchInput {
    let ids: BTreeSet<&str> = ids.collect();
    BatchInput::Read(BatchRead {
        id_property: Some(key),
        inputs: ids
            .into_iter()
            .map(|id| ReadInput { id: id.to_owned() })
            .collect(),
        properties: properties.iter().map(|name| (*name).to_owned()).collect(),
        properties_with_history: Vec::new(),
    })
}

//! Which path an operation has. HubSpot serves the same API under `/crm/v3/…` and dated paths, so paths are settings.

use serde::{Deserialize, Serialize};

/// An operation of HubSpot's API that this connector calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Create or update by a unique property.
    BatchUpsert,
    /// Update by record id.
    BatchUpdate,
    /// Read by record id or a unique property.
    BatchRead,
    /// Read by record id what is in the recycle bin.
    BatchReadArchived,
    /// Move to the recycle bin, by record id.
    BatchArchive,
    /// Delete for good. By record id alone: an address that HubSpot does not know it would block for ever.
    GdprDelete,
    /// List the properties of contacts.
    PropertyList,
    /// Create one.
    PropertyCreate,
    /// Whose credential it is.
    AccountDetails,
}

impl Endpoint {
    /// Name in metrics and spans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BatchUpsert => "batch_upsert",
            Self::BatchUpdate => "batch_update",
            Self::BatchRead => "batch_read",
            Self::BatchReadArchived => "batch_read_archived",
            Self::BatchArchive => "batch_archive",
            Self::GdprDelete => "gdpr_delete",
            Self::PropertyList => "property_list",
            Self::PropertyCreate => "property_create",
            Self::AccountDetails => "account_details",
        }
    }

    /// Method.
    pub const fn method(self) -> http::Method {
        match self {
            Self::BatchUpsert
            | Self::BatchUpdate
            | Self::BatchRead
            | Self::BatchReadArchived
            | Self::BatchArchive
            | Self::GdprDelete
            | Self::PropertyCreate => http::Method::POST,
            Self::PropertyList | Self::AccountDetails => http::Method::GET,
        }
    }

    /// Whether a call that was sent and not answered may have changed something.
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::BatchUpsert
                | Self::BatchUpdate
                | Self::BatchArchive
                | Self::GdprDelete
                | Self::PropertyCreate
        )
    }
}

/// Where HubSpot is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Scheme and host.
    pub base_url: String,
    /// Contacts, such as `/crm/v3/objects/contacts`.
    pub object_path: String,
    /// Properties of contacts, such as `/crm/v3/properties/contacts`.
    pub property_path: String,
    /// Account details, such as `/account-info/v3/details`.
    pub account_path: String,
}

impl Endpoints {
    /// Full address of an operation.
    pub fn url(&self, endpoint: Endpoint) -> String {
        let base = self.base_url.trim_end_matches('/');
        let objects = self.object_path.trim_end_matches('/');
        match endpoint {
            Endpoint::BatchUpsert => format!("{base}{objects}/batch/upsert"),
            Endpoint::BatchUpdate => format!("{base}{objects}/batch/update"),
            Endpoint::BatchRead => format!("{base}{objects}/batch/read"),
            Endpoint::BatchReadArchived => format!("{base}{objects}/batch/read?archived=true"),
            Endpoint::BatchArchive => format!("{base}{objects}/batch/archive"),
            Endpoint::GdprDelete => format!("{base}{objects}/gdpr-delete"),
            Endpoint::PropertyList | Endpoint::PropertyCreate => {
                format!("{base}{}", self.property_path.trim_end_matches('/'))
            }
            Endpoint::AccountDetails => format!("{base}{}", self.account_path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dated_paths_are_settings() {
        let endpoints = Endpoints {
            base_url: "https://api.hubapi.com/".into(),
            object_path: "/crm/objects/2026-09/contacts".into(),
            property_path: "/crm/properties/2026-09/contacts".into(),
            account_path: "/account-info/2026-09/details".into(),
        };
        assert_eq!(
            endpoints.url(Endpoint::BatchUpsert),
            "https://api.hubapi.com/crm/objects/2026-09/contacts/batch/upsert"
        );
        assert_eq!(
            endpoints.url(Endpoint::PropertyCreate),
            "https://api.hubapi.com/crm/properties/2026-09/contacts"
        );
    }
}

//! The fields of Lead.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    String,
    /// An address.
    Email,
    /// A phone number.
    Phone,
    /// One of some values; others are taken as well unless the list is restricted.
    Picklist,
    /// A number.
    Double,
    /// True or false.
    Boolean,
    /// Another record.
    Reference,
    /// A time.
    Datetime,
    /// A record's id.
    Id,
}

/// A field.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// API name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Longest text; 0 for what is no text.
    #[serde(default)]
    pub length: usize,
    /// Whether it may be empty.
    #[serde(default = "yes")]
    pub nillable: bool,
    /// Whether it gets a value by itself.
    #[serde(default)]
    pub defaulted_on_create: bool,
    /// Whether the caller may write it; false also where field-level security forbids it.
    #[serde(default = "yes")]
    pub writable: bool,
    /// Whether records can be found by it in a URL.
    #[serde(default)]
    pub external_id: bool,
    /// Whether no two records may share a value.
    #[serde(default)]
    pub unique: bool,
}

fn yes() -> bool {
    true
}

impl FieldSpec {
    /// A field that anybody may write and that may be empty.
    pub fn new(name: &str, kind: Kind, length: usize) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            length,
            nillable: true,
            defaulted_on_create: false,
            writable: true,
            external_id: false,
            unique: false,
        }
    }

    /// Text.
    pub fn text(name: &str, length: usize) -> Self {
        Self::new(name, Kind::String, length)
    }

    /// A number.
    pub fn number(name: &str) -> Self {
        Self::new(name, Kind::Double, 0)
    }

    /// A checkbox, which is never empty.
    pub fn checkbox(name: &str) -> Self {
        Self {
            nillable: false,
            defaulted_on_create: true,
            ..Self::new(name, Kind::Boolean, 0)
        }
    }

    /// The same as a key: external id and unique.
    #[must_use]
    pub fn key(self) -> Self {
        Self {
            external_id: true,
            unique: true,
            ..self
        }
    }

    /// The same, and records need a value.
    #[must_use]
    pub fn required(self) -> Self {
        Self {
            nillable: false,
            ..self
        }
    }

    /// The same without the right to write it.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            writable: false,
            ..self
        }
    }

    pub(super) fn is_required(&self) -> bool {
        !self.nillable && !self.defaulted_on_create && self.writable
    }

    fn describe(&self) -> Value {
        json!({
            "name": self.name, "label": self.name.trim_end_matches("__c").replace('_', " "),
            "type": self.kind, "soapType": "xsd:string", "length": self.length,
            "nillable": self.nillable, "defaultedOnCreate": self.defaulted_on_create,
            "createable": self.writable, "updateable": self.writable,
            "externalId": self.external_id, "idLookup": self.external_id || self.kind == Kind::Id,
            "unique": self.unique, "custom": self.name.ends_with("__c"),
            "caseSensitive": self.unique, "filterable": true, "restrictedPicklist": false, "picklistValues": [],
        })
    }
}

/// What an org's Lead has before anybody adds to it.
pub(super) fn standard() -> Vec<FieldSpec> {
    use Kind::{Boolean, Datetime, Email, Id, Phone, Picklist, Reference};
    let own = |name: &str, kind| FieldSpec::new(name, kind, 0).read_only();
    let defaulted = |name: &str, kind, length| FieldSpec {
        nillable: false,
        defaulted_on_create: true,
        ..FieldSpec::new(name, kind, length)
    };
    vec![
        own("Id", Id),
        own("IsDeleted", Boolean),
        FieldSpec::text("LastName", 80).required(),
        FieldSpec::text("FirstName", 40),
        FieldSpec::text("Name", 121).read_only(),
        FieldSpec::text("Title", 128),
        FieldSpec::text("Company", 255).required(),
        FieldSpec::new("Phone", Phone, 40),
        FieldSpec::new("Email", Email, 80),
        FieldSpec::text("Website", 255),
        FieldSpec::text("Description", 32_000),
        FieldSpec::new("LeadSource", Picklist, 255),
        defaulted("Status", Picklist, 255),
        defaulted("OwnerId", Reference, 18),
        own("IsConverted", Boolean),
        own("ConvertedAccountId", Reference),
        own("ConvertedContactId", Reference),
        own("ConvertedOpportunityId", Reference),
        own("CreatedDate", Datetime),
        own("LastModifiedDate", Datetime),
        own("SystemModstamp", Datetime),
    ]
}

/// What an admin creates for Leads.
pub(super) fn of_leads() -> Vec<FieldSpec> {
    vec![
        FieldSpec::text("Leads_Lead_Id__c", 40).key(),
        FieldSpec::number("Leads_Revision__c"),
        FieldSpec::number("Leads_Score__c"),
        FieldSpec::text("Leads_Score_Band__c", 20),
        FieldSpec::checkbox("Leads_Hot__c"),
        FieldSpec::text("Leads_Stage__c", 20),
        FieldSpec::text("Leads_Channel__c", 20),
        FieldSpec::number("Leads_Budget_Points__c"),
        FieldSpec::number("Leads_Authority_Points__c"),
        FieldSpec::number("Leads_Need_Points__c"),
        FieldSpec::number("Leads_Timing_Points__c"),
    ]
}

/// The answer of describe.
pub(super) fn describe(fields: &[FieldSpec]) -> Value {
    json!({
        "name": "Lead", "label": "Lead", "keyPrefix": "00Q", "custom": false, "createable": true,
        "updateable": true, "deletable": true, "queryable": true, "mergeable": true,
        "fields": fields.iter().map(FieldSpec::describe).collect::<Vec<_>>(),
    })
}

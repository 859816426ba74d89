//! Lead snapshot to contact properties, and back. Pure.
//!
//! What is written: our own `leads_*` properties always, an absent value as an empty text that clears; fields that
//! the contact shares with other people (name, phone, company, title) only if we know them, so that nothing which
//! sales typed in is wiped. The address is written when we make a contact or write by our key, not to a contact
//! that is found by address: that one may carry it as a secondary address on purpose. Once such a contact has our key,
//! later revisions write it whole, address and lifecycle stage included.

mod fields;
mod mapping;
mod own;

use std::collections::BTreeMap;

use leads_proto::leads::{connector::v1::LeadSnapshot, v1};

pub use fields::{Field, ValueKind};
pub use mapping::{Mapping, MappingProblem};
pub use own::OWN_PROPERTIES;

use crate::api::Record;

/// Our key in HubSpot: the lead's id.
pub const KEY_PROPERTY: &str = "leads_lead_id";
/// Our revision in HubSpot.
pub const REVISION_PROPERTY: &str = "leads_revision";
/// HubSpot's own stage of a contact, which only moves forward.
pub const LIFECYCLE_PROPERTY: &str = "lifecyclestage";
/// HubSpot's primary address.
pub const EMAIL_PROPERTY: &str = "email";
/// HubSpot's secondary addresses, separated by `;`; as unique as primary ones.
pub const MORE_EMAILS_PROPERTY: &str = "hs_additional_emails";

/// HubSpot's default lifecycle, first to last.
const LIFECYCLE: [&str; 7] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
];

/// What to write for a lead.
pub fn properties(lead: &LeadSnapshot, mapping: &Mapping) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    for (field, property) in mapping.targets() {
        match field.value(lead) {
            Some(value) => properties.insert(property.to_owned(), value),
            None if field.clears() => properties.insert(property.to_owned(), String::new()),
            None => None,
        };
    }
    properties.insert(KEY_PROPERTY.to_owned(), lead.lead_id.clone());
    properties.insert(REVISION_PROPERTY.to_owned(), lead.revision.to_string());
    properties
}

/// What to write to a contact that was found by the lead's address: without the address, and without a lifecycle
/// stage that the contact has passed already or that its owner replaced by one of their own.
pub fn properties_for_found(full: &BTreeMap<String, String>, found: &Record) -> BTreeMap<String, String> {
    let mut properties = full.clone();
    properties.remove(EMAIL_PROPERTY);
    if let Some(wanted) = properties.get(LIFECYCLE_PROPERTY)
        && !moves_forward(found.property(LIFECYCLE_PROPERTY), wanted)
    {
        properties.remove(LIFECYCLE_PROPERTY);
    }
    properties
}

/// Whether `wanted` comes after `current` in HubSpot's default lifecycle. Stages that an account invented have no
/// known order: over them nothing is written.
fn moves_forward(current: Option<&str>, wanted: &str) -> bool {
    let rank = |stage: &str| LIFECYCLE.iter().position(|known| *known == stage);
    match (current, current.and_then(rank), rank(wanted)) {
        (None, _, _) => true,
        (Some(_), Some(current), Some(wanted)) => wanted > current,
        (Some(_), _, _) => false,
    }
}

/// HubSpot's lifecycle stage for one of ours; `None` leaves the contact where it is.
///
/// New and contacted leads are `lead`; from the moment sales accepts one (qualified, demo booked) it is
/// `salesqualifiedlead`; with a deal `opportunity`; won `customer`. A lost lead moves nothing, since the lifecycle
/// has no word for it: `leads_stage` says `closed_lost`. `marketingqualifiedlead` is left to marketing's own scoring.
pub fn lifecycle(stage: v1::Stage, outcome: v1::Outcome) -> Option<&'static str> {
    match (stage, outcome) {
        (v1::Stage::New | v1::Stage::Contacted, _) => Some("lead"),
        (v1::Stage::Qualified | v1::Stage::DemoBooked, _) => Some("salesqualifiedlead"),
        (v1::Stage::Opportunity, _) => Some("opportunity"),
        (v1::Stage::Closed, v1::Outcome::Won) => Some("customer"),
        (v1::Stage::Closed, v1::Outcome::Lost | v1::Outcome::Unspecified) | (v1::Stage::Unspecified, _) => {
            None
        }
    }
}

/// All addresses of a record, in lower case.
pub fn addresses(record: &Record) -> Vec<String> {
    let more = record
        .property(MORE_EMAILS_PROPERTY)
        .unwrap_or_default()
        .split(';');
    record
        .property(EMAIL_PROPERTY)
        .into_iter()
        .chain(more)
        .map(|address| address.trim().to_lowercase())
        .filter(|address| !address.is_empty())
        .collect()
}

/// Our revision in a record; 0 if there is none. HubSpot may add decimals to numbers.
pub fn revision(record: &Record) -> i64 {
    let text = record.property(REVISION_PROPERTY).unwrap_or_default();
    text.split('.')
        .next()
        .and_then(|whole| whole.parse().ok())
        .unwrap_or(0)
}

/// The record's page: HubSpot's own link where the answer has one.
pub fn record_url(record: &Record, account_id: &str, ui_domain: &str) -> String {
    match &record.url {
        Some(url) if url.starts_with("https://") => url.clone(),
        _ if account_id.is_empty() || ui_domain.is_empty() => String::new(),
        _ => format!(
            "https://{ui_domain}/contacts/{account_id}/record/0-1/{}",
            record.id
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(properties: &[(&str, &str)]) -> Record {
        let properties = properties
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Record {
            id: "7".into(),
            properties,
            ..Record::default()
        }
    }

    #[test]
    fn the_lifecycle_never_moves_backward_or_over_a_custom_stage() {
        assert!(moves_forward(None, "lead"));
        assert!(moves_forward(Some("lead"), "salesqualifiedlead"));
        assert!(!moves_forward(Some("lead"), "lead"));
        assert!(!moves_forward(Some("customer"), "opportunity"));
        assert!(!moves_forward(Some("1234567"), "customer"));
    }

    #[test]
    fn every_stage_has_a_decided_lifecycle() {
        use v1::{Outcome, Stage};
        let of = |stage| lifecycle(stage, Outcome::Unspecified);
        assert_eq!(of(Stage::New), Some("lead"));
        assert_eq!(of(Stage::Contacted), Some("lead"));
        assert_eq!(of(Stage::Qualified), Some("salesqualifiedlead"));
        assert_eq!(of(Stage::DemoBooked), Some("salesqualifiedlead"));
        assert_eq!(of(Stage::Opportunity), Some("opportunity"));
        assert_eq!(lifecycle(Stage::Closed, Outcome::Won), Some("customer"));
        assert_eq!(lifecycle(Stage::Closed, Outcome::Lost), None);
    }

    #[test]
    fn a_found_contact_keeps_its_primary_address_and_its_later_stage() {
        let full = BTreeMap::from([
            ("email".to_owned(), "second@b.org".to_owned()),
            ("lifecyclestage".to_owned(), "lead".to_owned()),
            ("leads_score".to_owned(), "80".to_owned()),
        ]);
        let found = record(&[("email", "first@b.org"), ("lifecyclestage", "customer")]);
        assert_eq!(
            properties_for_found(&full, &found),
            BTreeMap::from([("leads_score".to_owned(), "80".to_owned())])
        );
    }

    #[test]
    fn addresses_are_primary_and_secondary_in_lower_case() {
        let found = record(&[
            ("email", "First@B.org"),
            ("hs_additional_emails", "second@b.org; Third@b.org;"),
        ]);
        assert_eq!(addresses(&found), ["first@b.org", "second@b.org", "third@b.org"]);
    }

    #[test]
    fn a_revision_survives_the_ways_numbers_are_written() {
        for (text, expected) in [("12", 12), ("12.0", 12), ("", 0), ("x", 0)] {
            assert_eq!(revision(&record(&[("leads_revision", text)])), expected, "{text}");
        }
    }

    #[test]
    fn a_link_is_hubspots_own_or_built_from_the_account() {
        let mut it = record(&[]);
        assert_eq!(
            record_url(&it, "88", "app-eu1.hubspot.com"),
            "https://app-eu1.hubspot.com/contacts/88/record/0-1/7"
        );
        assert_eq!(record_url(&it, "", "app.hubspot.com"), "");
        it.url = Some("https://app.hubspot.com/x".into());
        assert_eq!(
            record_url(&it, "88", "app-eu1.hubspot.com"),
            "https://app.hubspot.com/x"
        );
        it.url = Some("javascript:alert(1)".into());
        assert_eq!(record_url(&it, "", ""), "");
    }
}

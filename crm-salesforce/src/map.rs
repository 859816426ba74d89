//! Lead snapshot to fields of Salesforce's Lead. Pure.
//!
//! What is written: our own `Leads_…__c` fields always, an absent value as null, which clears; fields that sales share
//! with us (name, phone, company, title) only if we know them, so that nothing which they typed in is wiped. A lead that
//! is made needs a last name and a company: where we know none, Salesforce's own word for that stands in.

use leads_proto::leads::{connector::v1::LeadSnapshot, v1};
use leads_runtime::delivery::names::split_name;
use leads_runtime::delivery::words;
use serde_json::{Map, Value, json};

/// Our key in Salesforce: the lead's id.
pub const KEY_FIELD: &str = "Leads_Lead_Id__c";
/// Our revision in Salesforce.
pub const REVISION_FIELD: &str = "Leads_Revision__c";
/// What Salesforce itself writes where a name or a company is not known.
pub const NOT_PROVIDED: &str = "[not provided]";
/// What stands in for a person who was erased.
pub const ERASED: &str = "[erased]";

/// A field that is ours, as an admin creates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnField {
    /// API name.
    pub name: &'static str,
    /// Type, as describe names it.
    pub kind: &'static str,
    /// Type, as Setup names it.
    pub setup: &'static str,
    /// Least length of a text.
    pub length: usize,
}

/// The fields that an admin creates.
pub const OWN_FIELDS: [OwnField; 11] = [
    text(KEY_FIELD, "Text(40), Unique, External ID", 40),
    number(REVISION_FIELD),
    number("Leads_Score__c"),
    text("Leads_Score_Band__c", "Text(20)", 20),
    OwnField {
        name: "Leads_Hot__c",
        kind: "boolean",
        setup: "Checkbox",
        length: 0,
    },
    text("Leads_Stage__c", "Text(20)", 20),
    text("Leads_Channel__c", "Text(20)", 20),
    number("Leads_Budget_Points__c"),
    number("Leads_Authority_Points__c"),
    number("Leads_Need_Points__c"),
    number("Leads_Timing_Points__c"),
];

/// Standard fields that are written. All but the first may stay out.
pub const STANDARD_FIELDS: [&str; 6] = ["LastName", "FirstName", "Company", "Email", "Phone", "Title"];

const fn text(name: &'static str, setup: &'static str, length: usize) -> OwnField {
    OwnField {
        name,
        kind: "string",
        setup,
        length,
    }
}

const fn number(name: &'static str) -> OwnField {
    OwnField {
        name,
        kind: "double",
        setup: "Number",
        length: 0,
    }
}

/// What to write for a lead. With `new` it can be made of that alone.
pub fn fields(lead: &LeadSnapshot, new: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    let (first, last) = names(&lead.name);
    let known = [
        ("FirstName", first, 40),
        ("LastName", last, 80),
        ("Company", trimmed(&lead.company), 255),
        ("Title", trimmed(&lead.title), 128),
        // Shortened, these would be others.
        ("Email", trimmed(&lead.email), usize::MAX),
        ("Phone", trimmed(&lead.phone), usize::MAX),
    ];
    for (field, value, most) in known {
        if let Some(value) = value {
            let value: String = value.chars().take(most).collect();
            fields.insert(field.to_owned(), json!(value));
        }
    }
    if new {
        for field in ["LastName", "Company"] {
            fields
                .entry(field.to_owned())
                .or_insert_with(|| json!(NOT_PROVIDED));
        }
    }
    let points = |key: &str| lead.dimension_points.get(key);
    let own = [
        (
            "Leads_Score__c",
            json!((lead.band() != v1::Band::Unspecified).then_some(lead.score)),
        ),
        ("Leads_Score_Band__c", json!(words::band(lead.band()))),
        ("Leads_Hot__c", json!(lead.hot)),
        (
            "Leads_Stage__c",
            json!(words::stage(lead.stage(), lead.outcome())),
        ),
        ("Leads_Channel__c", json!(words::channel(lead.channel()))),
        ("Leads_Budget_Points__c", json!(points("budget"))),
        ("Leads_Authority_Points__c", json!(points("authority"))),
        ("Leads_Need_Points__c", json!(points("need"))),
        ("Leads_Timing_Points__c", json!(points("timing"))),
        (KEY_FIELD, json!(lead.lead_id)),
        (REVISION_FIELD, json!(lead.revision)),
    ];
    fields.extend(own.into_iter().map(|(field, value)| (field.to_owned(), value)));
    fields
}

/// What is left of a person in a record that is about to be deleted.
pub fn erased(id: &str) -> Map<String, Value> {
    let mut fields: Map<String, Value> = ["FirstName", "Email", "Phone", "Title"]
        .into_iter()
        .map(|field| (field.to_owned(), Value::Null))
        .collect();
    for field in ["LastName", "Company"] {
        fields.insert(field.to_owned(), json!(ERASED));
    }
    fields.insert("id".to_owned(), json!(id));
    fields
}

/// First and last name. A single word is the last name here, which is the one that Salesforce needs.
fn names(name: &str) -> (Option<String>, Option<String>) {
    match split_name(name) {
        (first, None) => (None, first),
        both => both,
    }
}

fn trimmed(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The record's page. Lightning's host belongs to the org's own; any other host redirects by itself.
pub fn record_url(instance_host: &str, id: &str) -> String {
    if instance_host.is_empty() {
        return String::new();
    }
    match instance_host.strip_suffix(".my.salesforce.com") {
        Some(org) => format!("https://{org}.lightning.force.com/lightning/r/Lead/{id}/view"),
        None => format!("https://{instance_host}/{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead() -> LeadSnapshot {
        LeadSnapshot {
            lead_id: "lead_1".into(),
            revision: 3,
            email: "ada@example.org".into(),
            score: 81,
            band: v1::Band::Hot.into(),
            hot: true,
            stage: v1::Stage::New.into(),
            channel: v1::Channel::Widget.into(),
            dimension_points: [("budget".to_owned(), 20)].into(),
            ..LeadSnapshot::default()
        }
    }

    #[test]
    fn a_new_lead_has_what_salesforce_needs_and_a_known_one_only_what_we_know() {
        let new = fields(&lead(), true);
        assert_eq!(
            (&new["LastName"], &new["Company"]),
            (&json!(NOT_PROVIDED), &json!(NOT_PROVIDED))
        );
        let known = fields(&lead(), false);
        assert_eq!((known.get("LastName"), known.get("Company")), (None, None));
        assert_eq!(known["Leads_Need_Points__c"], Value::Null, "ours are cleared");
    }

    #[test]
    fn a_single_word_is_the_last_name() {
        let of = |name: &str| {
            let lead = LeadSnapshot {
                name: name.into(),
                ..lead()
            };
            let fields = fields(&lead, true);
            (fields.get("FirstName").cloned(), fields["LastName"].clone())
        };
        assert_eq!(of("Madonna"), (None, json!("Madonna")));
        assert_eq!(of("Ada Lovelace"), (Some(json!("Ada")), json!("Lovelace")));
        assert_eq!(of(&"x".repeat(300)).1.as_str().unwrap().len(), 80);
    }

    #[test]
    fn every_field_that_is_written_is_one_that_is_checked() {
        let full = LeadSnapshot {
            name: "Ada Lovelace".into(),
            company: "Engines".into(),
            phone: "1".into(),
            title: "Countess".into(),
            ..lead()
        };
        for field in fields(&full, true).keys() {
            let known =
                OWN_FIELDS.iter().any(|own| own.name == field) || STANDARD_FIELDS.contains(&field.as_str());
            assert!(known, "{field}");
        }
    }

    #[test]
    fn a_link_is_lightnings_where_the_host_says_which() {
        assert_eq!(
            record_url("acme--dev.sandbox.my.salesforce.com", "00Q1"),
            "https://acme--dev.sandbox.lightning.force.com/lightning/r/Lead/00Q1/view"
        );
        assert_eq!(record_url("127.0.0.1:81", "00Q1"), "https://127.0.0.1:81/00Q1");
        assert_eq!(record_url("", "00Q1"), "");
    }
}

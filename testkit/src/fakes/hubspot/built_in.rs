//! The properties that every portal has.

use super::schema::{Choice, Definition, Kind};

/// HubSpot's default stages, in the order in which a contact moves.
pub(super) const LIFECYCLE: [&str; 8] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];
const LEAD_STATUS: [&str; 8] = [
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
];

pub(super) fn built_in() -> Vec<Definition> {
    let texts = [
        "email",
        "firstname",
        "lastname",
        "company",
        "website",
        "jobtitle",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "industry",
        "message",
        "hs_additional_emails",
        "hs_language",
    ];
    let set_by_hubspot = [
        ("createdate", Kind::Datetime),
        ("lastmodifieddate", Kind::Datetime),
        ("hs_object_id", Kind::Number),
        ("hs_merged_object_ids", Kind::Enumeration),
        ("num_notes", Kind::Number),
        ("notes_last_contacted", Kind::Datetime),
    ];
    let mut all: Vec<Definition> = texts
        .iter()
        .map(|name| Definition::built_in(name, Kind::String))
        .collect();
    all.extend(["phone", "mobilephone"].map(|name| Definition::built_in(name, Kind::PhoneNumber)));
    all.extend(set_by_hubspot.map(|(name, kind)| {
        let definition = Definition::built_in(name, kind);
        Definition {
            read_only: true,
            external_options: kind == Kind::Enumeration,
            ..definition
        }
    }));
    let choices = |name: &str, values: &[&str]| {
        let choice = |(order, value): (i32, &&str)| Choice {
            label: value.to_lowercase().replace('_', " "),
            value: (*value).to_owned(),
            hidden: false,
            display_order: order,
            description: String::new(),
        };
        let options = (0..).zip(values).map(choice).collect();
        Definition {
            options,
            ..Definition::built_in(name, Kind::Enumeration)
        }
    };
    all.push(choices("lifecyclestage", &LIFECYCLE));
    all.push(choices("hs_lead_status", &LEAD_STATUS));
    all.push(Definition {
        external_options: true,
        ..Definition::built_in("hubspot_owner_id", Kind::Enumeration)
    });
    all
}

//! The properties that are ours alone.

use crate::api::{PropertyCreate, PropertyOption};

/// The properties that `connect` makes where they are missing.
pub const OWN_PROPERTIES: [PropertyCreate; 11] = [
    PropertyCreate {
        has_unique_value: true,
        ..own(
            "leads_lead_id",
            "Leads: lead id",
            "Identifies the lead in Leads. Do not edit.",
            "string",
        )
    },
    own(
        "leads_revision",
        "Leads: revision",
        "Revision that was written last. Do not edit.",
        "number",
    ),
    own(
        "leads_score",
        "Leads: score",
        "Qualification score, 0 to 100.",
        "number",
    ),
    own(
        "leads_score_band",
        "Leads: score band",
        "cold, lukewarm, warm or hot.",
        "string",
    ),
    own(
        "leads_hot",
        "Leads: hot lead",
        "Whether the score reaches the hot threshold.",
        "bool",
    ),
    own(
        "leads_stage",
        "Leads: stage",
        "Where the lead stands in Leads.",
        "string",
    ),
    own(
        "leads_channel",
        "Leads: source channel",
        "Channel of the first touch.",
        "string",
    ),
    own(
        "leads_budget_points",
        "Leads: budget points",
        "Points for budget, 0 to 25.",
        "number",
    ),
    own(
        "leads_authority_points",
        "Leads: authority points",
        "Points for authority, 0 to 25.",
        "number",
    ),
    own(
        "leads_need_points",
        "Leads: need points",
        "Points for need, 0 to 25.",
        "number",
    ),
    own(
        "leads_timing_points",
        "Leads: timing points",
        "Points for timing, 0 to 25.",
        "number",
    ),
];

const fn own(
    name: &'static str,
    label: &'static str,
    description: &'static str,
    kind: &'static str,
) -> PropertyCreate {
    let (field_type, options): (&str, &[PropertyOption]) = match kind.as_bytes() {
        b"bool" => ("booleancheckbox", &YES_NO),
        b"number" => ("number", &[]),
        _ => ("text", &[]),
    };
    let group_name = "contactinformation";
    PropertyCreate {
        name,
        label,
        description,
        group_name,
        kind,
        field_type,
        has_unique_value: false,
        options,
    }
}

const YES_NO: [PropertyOption; 2] = [
    PropertyOption {
        label: "Yes",
        value: "true",
        hidden: false,
    },
    PropertyOption {
        label: "No",
        value: "false",
        hidden: false,
    },
];

//! Merges: from the wire, checked whole, and back.

use std::collections::BTreeMap;

use leads_proto::leads::v1;
use uuid::Uuid;

use super::{lead::lead, query};
use crate::{
    domain::{
        ids,
        merge::{Line, Part, Side, Why},
        violation::{Violation, Violations},
    },
    service::leads::Merged,
};

/// Which leads to merge, and how.
#[derive(Debug)]
pub struct Merge {
    /// The lead that stays.
    pub survivor: Uuid,
    /// The lead that disappears behind it.
    pub absorbed: Uuid,
    /// What was chosen.
    pub choices: BTreeMap<Part, Side>,
}

/// Which leads to merge, and how.
///
/// # Errors
/// Every violation.
pub fn merge(request: &v1::MergeLeadsRequest) -> Result<Merge, Vec<Violation>> {
    let mut violations = Violations::default();
    let survivor = query::lead("lead_id", &request.lead_id, &mut violations);
    let absorbed = query::lead("absorbed_lead_id", &request.absorbed_lead_id, &mut violations);
    let mut choices = BTreeMap::new();
    for (name, side) in &request.choices {
        let field = format!("choices.{name}");
        let side = match side.as_str() {
            "survivor" => Some(Side::Survivor),
            "absorbed" => Some(Side::Absorbed),
            _ => None,
        };
        match (Part::parse(name), side) {
            (Some(part), Some(side)) => {
                choices.insert(part, side);
            }
            (None, _) => violations.add(field, "is no part of a lead"),
            (_, None) => violations.add(field, "must be survivor or absorbed"),
        }
    }
    violations.into_result(Merge {
        survivor,
        absorbed,
        choices,
    })
}

/// Which merge of which lead to take back; the newest if none is named.
///
/// # Errors
/// Every violation.
pub fn unmerge(request: &v1::UnmergeLeadRequest) -> Result<(Uuid, Option<Uuid>), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = query::lead("lead_id", &request.lead_id, &mut violations);
    let merge = (!request.merge_id.is_empty()).then(|| {
        ids::parse::<ids::Merge>(&request.merge_id).unwrap_or_else(|problem| {
            violations.add("merge_id", problem);
            Uuid::nil()
        })
    });
    violations.into_result((id, merge))
}

/// What became of a merge, to the wire.
pub fn merged(merged: Merged) -> v1::MergeLeadsResponse {
    v1::MergeLeadsResponse {
        lead: Some(lead(merged.lead)),
        merge_id: merged.merge.map(ids::format::<ids::Merge>).unwrap_or_default(),
        parts: merged.lines.into_iter().map(part).collect(),
    }
}

fn part(line: Line) -> v1::MergedPart {
    let from = match line.from {
        Some(Side::Survivor) => "survivor",
        Some(Side::Absorbed) => "absorbed",
        None => "",
    };
    let why = match line.why {
        Why::Same => "same",
        Why::Only => "only",
        Why::Newest => "newest",
        Why::Earliest => "earliest",
        Why::Furthest => "furthest",
        Why::Survivors => "survivors",
        Why::United => "united",
        Why::Chosen => "chosen",
    };
    v1::MergedPart {
        field: line.part.name(),
        value: line.value,
        from: from.to_owned(),
        why: why.to_owned(),
    }
}

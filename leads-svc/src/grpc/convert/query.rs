//! Which lead, and what to change of it: from the wire, checked whole.

use leads_proto::leads::v1;

use super::words;
use crate::{
    domain::{
        ids, page, search,
        sync::Provider,
        text,
        violation::{Violation, Violations},
    },
    service::leads::LeadChange,
};
use uuid::Uuid;

const MAX_QUERY: usize = 200;
const MAX_TAGS: usize = 50;
const CHANGEABLE: [&str; 4] = ["stage", "outcome", "tags", "owner"];
/// Fields of a lead that are its state and not the caller's to set.
const READ_ONLY: [&str; 10] = [
    "stage_changed_at",
    "score",
    "intent",
    "channel",
    "channels",
    "crm_links",
    "consents",
    "captured_at",
    "last_activity_at",
    "revision",
];

/// A lead's id and nothing else.
///
/// # Errors
/// Its violation.
pub fn only(lead_id: &str) -> Result<Uuid, Vec<Violation>> {
    let mut violations = Violations::default();
    let id = lead("lead_id", lead_id, &mut violations);
    violations.into_result(id)
}

/// Which lead to sync with which CRM; none is all.
///
/// # Errors
/// Every violation.
pub fn sync(request: &v1::SyncLeadRequest) -> Result<(Uuid, Option<Provider>), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = lead("lead_id", &request.lead_id, &mut violations);
    let provider = words::read_provider("provider", request.provider, &mut violations);
    violations.into_result((id, provider))
}

/// Words to search for.
pub(super) fn words(text: &str, violations: &mut Violations) -> Vec<String> {
    if text.chars().count() > MAX_QUERY {
        violations.add("q", format!("must have at most {MAX_QUERY} characters"));
    }
    let words = search::words(text);
    if words.is_empty() && !text.is_empty() {
        violations.add("q", "holds no letters or digits to search for");
    }
    words
}

/// A lead's id and a page size.
///
/// # Errors
/// Every violation.
pub fn of_lead(lead_id: &str, asked: i32) -> Result<(Uuid, u64), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = lead("lead_id", lead_id, &mut violations);
    let size = page_size(asked, &mut violations);
    violations.into_result((id, size))
}

/// A lead's id.
pub fn lead(field: &str, id: &str, violations: &mut Violations) -> Uuid {
    ids::parse::<ids::Lead>(id).unwrap_or_else(|problem| {
        violations.add(field, problem);
        Uuid::nil()
    })
}

/// What to change of which lead.
///
/// # Errors
/// Every violation.
pub fn change(request: v1::UpdateLeadRequest) -> Result<(Uuid, LeadChange), Vec<Violation>> {
    let mut violations = Violations::default();
    let given = request.lead.unwrap_or_default();
    let id = lead("lead.id", &given.id, &mut violations);
    let mask = mask(request.update_mask, &given, &mut violations);
    let has = |field: &str| mask.iter().any(|path| path == field);
    let mut change = LeadChange {
        etag: etag(&given.etag, &mut violations),
        ..LeadChange::default()
    };
    if has("stage") {
        let stage = words::read_stage("lead.stage", given.stage, &mut violations);
        change.stage = words::required("lead.stage", stage, given.stage, &mut violations);
    }
    if has("outcome") {
        change.outcome = Some(words::read_outcome(
            "lead.outcome",
            given.outcome,
            &mut violations,
        ));
    }
    if has("tags") {
        change.tags = Some(tags(&given.tags, &mut violations));
    }
    if has("owner") {
        change.owner =
            Some(text::optional("lead.owner", &given.owner, 200, &mut violations).unwrap_or_default());
    }
    violations.into_result((id, change))
}

/// Reads a page size.
pub fn page_size(asked: i32, violations: &mut Violations) -> u64 {
    page::size(asked).unwrap_or_else(|problem| {
        violations.add("page_size", problem);
        page::DEFAULT_SIZE
    })
}

fn mask(given: Option<prost_types::FieldMask>, lead: &v1::Lead, violations: &mut Violations) -> Vec<String> {
    let paths = given.map(|mask| mask.paths).unwrap_or_default();
    if paths.is_empty() {
        let set = [
            lead.stage != 0,
            lead.outcome != 0,
            !lead.tags.is_empty(),
            !lead.owner.is_empty(),
        ];
        let paths: Vec<String> = CHANGEABLE
            .iter()
            .zip(set)
            .filter(|(_, is_set)| *is_set)
            .map(|(path, _)| (*path).to_owned())
            .collect();
        if paths.is_empty() {
            violations.add(
                "update_mask",
                format!("names nothing to change; {} can be", CHANGEABLE.join(", ")),
            );
        }
        return paths;
    }
    let mut checked: Vec<String> = Vec::new();
    for path in paths {
        if path == "id" || path == "etag" {
            continue;
        }
        if !CHANGEABLE.contains(&path.as_str()) {
            refuse(&path, violations);
        } else if checked.contains(&path) {
            violations.add("update_mask", format!("{path:?} is named twice"));
        } else {
            checked.push(path);
        }
    }
    checked
}

/// Refuses a path of the mask under the name of the field that it means.
fn refuse(path: &str, violations: &mut Violations) {
    let can = CHANGEABLE.join(", ");
    match path.split('.').next().unwrap_or_default() {
        "contact" => violations.add(
            format!("lead.{path}"),
            format!("cannot be changed here: collect the lead again with its new contact; {can} can be"),
        ),
        root if READ_ONLY.contains(&root) => {
            violations.add(format!("lead.{path}"), format!("cannot be changed; {can} can be"));
        }
        _ => violations.add(
            "update_mask",
            format!("{path:?} is no field of a lead; {can} can be changed"),
        ),
    }
}

fn etag(etag: &str, violations: &mut Violations) -> Option<String> {
    if etag.is_empty() {
        return None;
    }
    let number = etag.strip_prefix("W/").unwrap_or(etag);
    let known = (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if !known {
        violations.add(
            "lead.etag",
            "is not an etag of a lead: send the one that came with it",
        );
    }
    Some(etag.to_owned())
}

fn tags(given: &[String], violations: &mut Violations) -> Vec<String> {
    if given.len() > MAX_TAGS {
        violations.add(
            "lead.tags",
            format!("has {} entries; at most {MAX_TAGS} are allowed", given.len()),
        );
        return Vec::new();
    }
    let mut tags: Vec<String> = given
        .iter()
        .enumerate()
        .map(|(index, tag)| text::required(&format!("lead.tags[{index}]"), tag, 64, violations))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_field_of_a_lead_is_changed_refused_or_names_it() {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        let lead = pool.get_message_by_name("leads.v1.Lead").unwrap();
        let mut fields: Vec<String> = lead.fields().map(|field| field.name().to_owned()).collect();
        let mut known = [&CHANGEABLE[..], &READ_ONLY, &["id", "etag", "contact"]].concat();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, fields);
    }
}

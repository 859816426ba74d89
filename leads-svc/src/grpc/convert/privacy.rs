//! The audit log, exports and retention, from and to the wire.

use std::collections::BTreeMap;

use leads_proto::leads::v1;

use super::{consent, lead, query, settings, times::timestamp, words};
use crate::{
    domain::{
        email::Email,
        ids,
        retention::Retention,
        text,
        violation::{Violation, Violations},
    },
    service::{
        audit::{Anchor, Entry, Problem, Walk, mac_text, parse_mac},
        contacts::ContactView,
        export::{Export, Subject},
        retention::Candidate,
    },
};

const MAX_ANCHORS: usize = 1_000;
const MAX_SUBJECT: usize = 100;

/// An entry of the audit log.
pub fn audit_entry(entry: Entry) -> v1::AuditEntry {
    v1::AuditEntry {
        n: entry.n,
        at: Some(timestamp(entry.at)),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        // An entry that somebody altered is shown as far as it can be read; verification tells of it.
        details: serde_json::from_str::<BTreeMap<String, String>>(&entry.details).unwrap_or_default(),
        mac: mac_text(&entry.mac),
    }
}

/// Which entries of the audit log: of which subject, and how many a page.
///
/// # Errors
/// Every violation.
pub fn entries(request: &v1::ListAuditEntriesRequest) -> Result<(String, u64), Vec<Violation>> {
    let mut violations = Violations::default();
    let size = query::page_size(request.page_size, &mut violations);
    let subject = text::optional("subject", &request.subject, MAX_SUBJECT, &mut violations);
    violations.into_result((subject.unwrap_or_default(), size))
}

/// Anchors that a caller kept.
///
/// # Errors
/// Every violation.
pub fn anchors(request: &v1::VerifyAuditRequest) -> Result<Vec<Anchor>, Vec<Violation>> {
    let mut violations = Violations::default();
    let given = &request.anchors;
    if given.len() > MAX_ANCHORS {
        violations.add(
            "anchors",
            format!("has {} entries; at most {MAX_ANCHORS} are allowed", given.len()),
        );
        return violations.into_result(Vec::new());
    }
    let mut anchors = Vec::with_capacity(given.len());
    for (index, anchor) in given.iter().enumerate() {
        if anchor.n < 1 {
            violations.add(format!("anchors[{index}].n"), "must be at least 1");
        }
        match parse_mac(&anchor.mac) {
            Some(mac) => anchors.push(Anchor { n: anchor.n, mac }),
            None => violations.add(
                format!("anchors[{index}].mac"),
                "must be 43 letters of URL-safe base64",
            ),
        }
    }
    violations.into_result(anchors)
}

/// What a walk through the log found.
pub fn walk(walk: Walk) -> v1::VerifyAuditResponse {
    v1::VerifyAuditResponse {
        intact: walk.fault.is_none(),
        last: Some(v1::AuditAnchor {
            n: walk.last.n,
            mac: mac_text(&walk.last.mac),
        }),
        fault: walk.fault.map(|fault| v1::AuditFault {
            n: fault.n,
            problem: problem(fault.problem).into(),
        }),
    }
}

fn problem(problem: Problem) -> v1::AuditProblem {
    match problem {
        Problem::Missing => v1::AuditProblem::Missing,
        Problem::Altered => v1::AuditProblem::Altered,
        Problem::Inserted => v1::AuditProblem::Inserted,
        Problem::AnchorDiffers => v1::AuditProblem::AnchorDiffers,
        Problem::HeadDiffers => v1::AuditProblem::HeadDiffers,
    }
}

/// Whose data, by address or by lead.
///
/// # Errors
/// Its violation.
pub fn subject(request: &v1::ExportSubjectRequest) -> Result<Subject, Vec<Violation>> {
    let mut violations = Violations::default();
    match (request.email.is_empty(), request.lead_id.is_empty()) {
        (true, true) => violations.add("email", "is required, or else lead_id"),
        (false, false) => violations.add("lead_id", "cannot be given beside an email"),
        (true, false) => return query::only(&request.lead_id).map(Subject::Lead),
        (false, true) => match Email::parse(&request.email) {
            Ok(email) => return Ok(Subject::Email(email.as_str().to_owned())),
            Err(problem) => violations.add("email", problem),
        },
    }
    Err(violations.into_vec())
}

/// Everything about a person.
pub fn export(export: Export) -> v1::SubjectExport {
    v1::SubjectExport {
        exported_at: Some(timestamp(export.at)),
        contact: Some(lead::contact(ContactView {
            contact: export.contact,
            lead: export.lead.as_ref().map(|view| view.lead.id),
        })),
        lead: export.lead.map(|view| lead::lead(*view)),
        messages: export.messages.into_iter().map(lead::message).collect(),
        scores: export.scores.into_iter().map(lead::score).collect(),
        activities: export.activities.into_iter().map(lead::activity).collect(),
        consents: export.consents.into_iter().map(consent::consent).collect(),
        consent_states: export.consent_states.into_iter().map(consent::state).collect(),
        audit_entries: export.audit_entries.into_iter().map(audit_entry).collect(),
    }
}

/// Which leads retention would delete: by terms that are tried, and how many a page.
///
/// # Errors
/// Every violation.
pub fn preview(request: &v1::PreviewRetentionRequest) -> Result<(Option<Retention>, u64), Vec<Violation>> {
    let mut violations = Violations::default();
    let size = query::page_size(request.page_size, &mut violations);
    let given = settings::retention("retention_days", &request.retention_days, &mut violations);
    let tried = (!request.retention_days.is_empty()).then_some(given);
    violations.into_result((tried, size))
}

/// A lead that was kept long enough.
pub fn candidate(candidate: Candidate) -> v1::RetentionCandidate {
    v1::RetentionCandidate {
        lead_id: ids::format::<ids::Lead>(candidate.lead),
        stage: words::stage(candidate.stage).into(),
        last_activity_at: Some(timestamp(candidate.last_activity_at)),
    }
}

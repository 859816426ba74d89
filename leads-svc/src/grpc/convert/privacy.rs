//! The audit log, from and to the wire.

use std::collections::BTreeMap;

use leads_proto::leads::v1;

use super::times::timestamp;
use crate::{
    domain::violation::Violations,
    service::audit::{Anchor, Entry, Problem, Walk, mac_text, parse_mac},
};

const MAX_ANCHORS: usize = 1_000;

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

/// Anchors that a caller kept.
pub fn anchors(given: &[v1::AuditAnchor], violations: &mut Violations) -> Vec<Anchor> {
    if given.len() > MAX_ANCHORS {
        violations.add(
            "anchors",
            format!("has {} entries; at most {MAX_ANCHORS} are allowed", given.len()),
        );
        return Vec::new();
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
    anchors
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

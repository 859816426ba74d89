//! API keys.

use std::time::Duration;

use chrono::{DateTime, Utc};
use leads_proto::leads::v1;
use uuid::Uuid;

use super::{members, times};
use crate::{
    domain::{
        ids,
        violation::{Violation, Violations},
    },
    service::{
        keys::{self, Key},
        principal::Principal,
        rotation::LONGEST_OVERLAP,
    },
};

/// When a key to create ends by itself, and the member who signs in with it.
type NewKey = (Option<DateTime<Utc>>, Option<Uuid>);

/// A key that `principal` may create.
///
/// # Errors
/// Every violation, of its name and scopes too.
pub fn new_key(
    principal: &Principal,
    request: &v1::CreateApiKeyRequest,
    now: DateTime<Utc>,
) -> Result<NewKey, Vec<Violation>> {
    let mut violations = Violations::default();
    let expires_at = times::read("expires_at", request.expires_at.as_ref(), &mut violations);
    let member =
        (!request.member_id.is_empty()).then(|| members::member_id(&request.member_id, &mut violations));
    let mut found = violations.into_vec();
    let checked = keys::check(principal, &request.name, &request.scopes, expires_at, now);
    found.extend(checked.err().unwrap_or_default());
    if found.is_empty() {
        Ok((expires_at, member))
    } else {
        Err(found)
    }
}

/// The public part of a key, as callers name it.
///
/// # Errors
/// Its violation.
pub fn key_id(id: &str) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::default();
    check_id(id, &mut violations);
    violations.into_result(())
}

/// How long a key to replace stays valid, if the request says.
///
/// # Errors
/// Every violation.
pub fn rotation(request: &v1::RotateApiKeyRequest) -> Result<Option<Duration>, Vec<Violation>> {
    let mut violations = Violations::default();
    check_id(&request.key_id, &mut violations);
    let overlap = times::read_span("overlap", request.overlap.as_ref(), &mut violations);
    if overlap.is_some_and(|overlap| overlap > LONGEST_OVERLAP) {
        violations.add("overlap", "must be at most 7 days");
    }
    violations.into_result(overlap)
}

fn check_id(id: &str, violations: &mut Violations) {
    if id.is_empty() || id.len() > 16 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        violations.add("key_id", "is not the public part of a key");
    }
}

/// A key, to the wire.
pub fn key(key: Key) -> v1::ApiKey {
    v1::ApiKey {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        created_at: Some(times::timestamp(key.created_at)),
        expires_at: key.expires_at.map(times::timestamp),
        last_used_at: key.last_used_at.map(times::timestamp),
        revoked_at: key.revoked_at.map(times::timestamp),
        replaced_by: key.replaced_by.unwrap_or_default(),
        member_id: key.member.map(ids::format::<ids::Member>).unwrap_or_default(),
    }
}

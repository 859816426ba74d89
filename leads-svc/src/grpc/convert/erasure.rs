//! Erasures and their receipts, from and to the wire.

use leads_proto::leads::v1;
use uuid::Uuid;

use super::{query, times::timestamp};
use crate::{
    domain::{
        email::Email,
        ids,
        violation::{Violation, Violations},
    },
    service::erasure::{Erasure, Receipt, State, Whom, explain},
};

/// Whom to erase.
///
/// # Errors
/// Its violations.
pub fn whom(request: &v1::EraseSubjectRequest) -> Result<Whom, Vec<Violation>> {
    let mut violations = Violations::default();
    let given = [
        ("email", &request.email),
        ("lead_id", &request.lead_id),
        ("contact_id", &request.contact_id),
    ];
    let mut given = given.into_iter().filter(|(_, value)| !value.is_empty());
    let named = given.next();
    let read = match named {
        None => Err("is required, or else lead_id or contact_id".to_owned()),
        Some(("email", value)) => Email::parse(value)
            .map(|email| Whom::Email(email.as_str().to_owned()))
            .map_err(str::to_owned),
        Some(("lead_id", value)) => ids::parse::<ids::Lead>(value).map(Whom::Lead),
        Some((_, value)) => ids::parse::<ids::Contact>(value).map(Whom::Contact),
    };
    for (field, _) in given {
        violations.add(field, "cannot be given beside another name of the person");
    }
    match read {
        Ok(whom) => violations.into_result(whom),
        Err(text) => {
            violations.add(named.map_or("email", |(field, _)| field), text);
            Err(violations.into_vec())
        }
    }
}

/// Which erasure.
///
/// # Errors
/// Its violation.
pub fn only(id: &str) -> Result<Uuid, Vec<Violation>> {
    let mut violations = Violations::default();
    let id = ids::parse::<ids::Erasure>(id).unwrap_or_else(|text| {
        violations.add("erasure_id", text);
        Uuid::nil()
    });
    violations.into_result(id)
}

/// How many erasures a page.
///
/// # Errors
/// Its violation.
pub fn list(request: &v1::ListErasuresRequest) -> Result<u64, Vec<Violation>> {
    let mut violations = Violations::default();
    let size = query::page_size(request.page_size, &mut violations);
    violations.into_result(size)
}

/// An erasure.
pub fn erasure(erasure: Erasure) -> v1::Erasure {
    v1::Erasure {
        id: ids::format::<ids::Erasure>(erasure.id),
        requested_at: Some(timestamp(erasure.requested_at)),
        complete: erasure.is_complete(),
        actor: erasure.actor,
        lead_ids: erasure.leads.into_iter().map(ids::format::<ids::Lead>).collect(),
        contact_ids: erasure
            .contacts
            .into_iter()
            .map(ids::format::<ids::Contact>)
            .collect(),
        receipts: erasure.receipts.into_iter().map(receipt).collect(),
    }
}

fn receipt(receipt: Receipt) -> v1::ErasureReceipt {
    v1::ErasureReceipt {
        system: receipt.system,
        state: match receipt.state {
            State::Pending => v1::ErasureState::Pending,
            State::Erased => v1::ErasureState::Erased,
            State::NotPresent => v1::ErasureState::NotPresent,
            State::Failed => v1::ErasureState::Failed,
        }
        .into(),
        records: receipt.records,
        reason: explain(&receipt.reason).map(|reason| v1::SyncReason {
            code: reason.code,
            message: reason.message,
            field: reason.field,
            hint: reason.hint,
        }),
        requested_at: Some(timestamp(receipt.requested_at)),
        done_at: receipt.done_at.map(timestamp),
        verified_at: receipt.verified_at.map(timestamp),
    }
}

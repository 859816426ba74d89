//! What HubSpot does to a write on its own account.

use std::sync::Arc;

use super::built_in::LIFECYCLE;
use super::contact::{Change, Contact};
use super::schema::Schema;

/// The lifecycle stage moves forward only; a backward value is dropped without a word. Clearing it is allowed.
pub(super) fn is_backward_stage(contact: &Contact, (name, value): &Change) -> bool {
    let rank = |stage: &str| LIFECYCLE.iter().position(|known| *known == stage);
    if &**name != "lifecyclestage" {
        return false;
    }
    match (contact.stored(name).and_then(|old| rank(old)), rank(value)) {
        (Some(old), Some(new)) => new < old,
        _ => false,
    }
}

/// Making a secondary address the primary one makes the old primary a secondary one (unconfirmed for the API).
pub(super) fn swap_addresses(contact: &Contact, changes: &mut Vec<Change>, schema: &Schema) {
    let Some((_, new)) = changes.iter().find(|(name, _)| &**name == "email").cloned() else {
        return;
    };
    let (Some(old), Some(others)) = (contact.stored("email"), contact.stored("hs_additional_emails")) else {
        return;
    };
    let names_others = changes.iter().any(|(name, _)| &**name == "hs_additional_emails");
    if new == *old || names_others || !others.split(';').any(|address| address == &*new) {
        return;
    }
    let kept: Vec<&str> = others
        .split(';')
        .filter(|address| *address != &*new)
        .chain([&**old])
        .collect();
    if let Some(definition) = schema.any("hs_additional_emails") {
        changes.push((Arc::clone(&definition.name), kept.join(";").into()));
    }
}

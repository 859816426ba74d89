//! What a changed profile is found by, and no longer.

use std::collections::BTreeSet;

use crate::{
    domain::{
        contact::{Contact, Profile},
        identity::{Kind, Mark, marks},
        workspace::Settings,
    },
    storage::{capture::Write, identities::Identity},
};

/// Notes what `contact` is found by beyond `before`. `moved` are visitor ids that it takes over with their rows;
/// `next_place` is the place of a new one.
pub(super) fn note(
    write: &mut Write,
    settings: &Settings,
    before: Option<&Profile>,
    contact: &Contact,
    moved: &[String],
    next_place: i32,
) {
    if before == Some(&contact.profile) {
        return;
    }
    let marks_before = before.map(|before| marks(before, settings)).unwrap_or_default();
    let marks_after = marks(&contact.profile, settings);
    let gone: BTreeSet<&Mark> = marks_before.difference(&marks_after).collect();
    write
        .former_identities
        .extend(gone.into_iter().map(|mark| (contact.id, mark.clone())));
    for mark in marks_after.difference(&marks_before) {
        let place = match mark.kind {
            Kind::Email | Kind::Mailbox => Some(0),
            Kind::Visitor if moved.contains(&mark.value) => continue,
            Kind::Visitor => Some(next_place),
            Kind::Phone | Kind::AddressVariant | Kind::NameAndCompany => None,
        };
        write.identities.push(Identity {
            contact: contact.id,
            mark: mark.clone(),
            place,
        });
    }
}

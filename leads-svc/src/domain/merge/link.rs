//! Merges as they are stored, and the person that they make.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    person::{Absorbed, Person},
    preview::Choices,
    state::State,
};
use crate::domain::consent::{self, Current};

/// A merge, apart from whom it merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Identifier.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// What was chosen by hand, at the merge or by changing the merged lead since.
    pub choices: Choices,
}

/// A stored merge that was not undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The lead that stays.
    pub survivor: Uuid,
    /// The lead that disappeared behind it.
    pub absorbed: Uuid,
    /// The merge.
    pub merge: Merge,
}

impl Person {
    /// The person that `lead` survived as, from the own states of all its leads and the merges between them, oldest
    /// first. `None` if a state is missing, or if the merges name a lead twice.
    pub fn assemble(lead: Uuid, own: &mut HashMap<Uuid, State>, merges: &[Link]) -> Option<Self> {
        let mut person = Self::alone(lead, own.remove(&lead)?);
        for link in merges.iter().filter(|link| link.survivor == lead) {
            person.absorbed.push(Absorbed {
                merge: link.merge.clone(),
                person: Self::assemble(link.absorbed, own, merges)?,
            });
        }
        Some(person)
    }
}

/// What holds of the person that `lead` survived as, from what holds of each of its leads and the merges between them,
/// oldest first: [`Person::consent`] without the states.
pub fn consent_of<'a>(
    lead: Uuid,
    merges: &[Link],
    own: &mut HashMap<Uuid, Option<Current<'a>>>,
) -> Option<Current<'a>> {
    let current = own.remove(&lead)?;
    let of_lead = merges.iter().filter(|link| link.survivor == lead);
    of_lead.fold(current, |current, link| {
        let other = consent_of(link.absorbed, merges, own);
        consent::united(current, other, link.merge.at)
    })
}

//! A lead with the leads that it absorbed.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    link::Merge,
    part::{Choice, Part, Side},
    preview::{Choices, United},
    state::{State, Update},
    unite::unite,
};
use crate::domain::{
    consent::{self, Consent, Current},
    violation::Violations,
};

/// Most leads that can be merged into one person.
pub const MOST_LEADS: usize = 100;

/// A lead and what it absorbed, oldest merge first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The lead.
    pub lead: Uuid,
    /// The lead's own state, as if it had never absorbed anybody.
    pub own: State,
    /// Whom it absorbed.
    pub absorbed: Vec<Absorbed>,
}

/// A lead that was absorbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absorbed {
    /// By which merge.
    pub merge: Merge,
    /// The lead, with those that it had absorbed itself.
    pub person: Person,
}

/// Why a merge cannot be made or undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The two are one lead.
    Itself,
    /// The lead to absorb has absorbed the one that is to survive.
    Cycle,
    /// Together they would be more than [`MOST_LEADS`].
    TooMany,
    /// There is no such merge, or it was undone.
    Unknown,
    /// Another merge is newer and has to be undone first.
    NotNewest {
        /// That merge.
        first: Uuid,
    },
}

impl Person {
    /// A lead that absorbed nobody.
    pub fn alone(lead: Uuid, own: State) -> Self {
        Self {
            lead,
            own,
            absorbed: Vec::new(),
        }
    }

    /// Every lead of the person with its own state, the survivor first.
    pub fn leads(&self) -> Vec<(Uuid, &State)> {
        let mut leads = vec![(self.lead, &self.own)];
        for absorbed in &self.absorbed {
            leads.extend(absorbed.person.leads());
        }
        leads
    }

    /// The lead with those that it absorbed, if it is one of the person's.
    pub fn find_mut(&mut self, lead: Uuid) -> Option<&mut Person> {
        if self.lead == lead {
            return Some(self);
        }
        self.absorbed
            .iter_mut()
            .find_map(|absorbed| absorbed.person.find_mut(lead))
    }

    /// What the lead shows: its own state, united with what it absorbed.
    pub fn united(&self) -> State {
        self.absorbed.iter().fold(self.own.clone(), |view, absorbed| {
            let other = absorbed.person.united();
            unite(&view, &other, &absorbed.merge.choices, absorbed.merge.at).state
        })
    }

    /// Takes in a change by hand, which goes to the survivor, whichever of the leads was named. What it sets counts for
    /// the person from then on: it is kept as a choice in every merge of the survivor, so store these too.
    pub fn update(&mut self, update: &Update, now: DateTime<Utc>) {
        self.own.update(update, now);
        let parts = [
            (Part::Stage, update.stage.is_some()),
            (Part::Tags, update.tags.is_some()),
            (Part::Owner, update.owner.is_some()),
        ];
        for absorbed in &mut self.absorbed {
            for (part, _) in parts.iter().filter(|(_, is_set)| *is_set) {
                let choice = Choice {
                    side: Side::Survivor,
                    at: now,
                };
                absorbed.merge.choices.insert(part.clone(), choice);
            }
        }
    }

    /// What a merge would show, without making it.
    pub fn preview(&self, other: &Person, choices: &BTreeMap<Part, Side>, at: DateTime<Utc>) -> United {
        unite(&self.united(), &other.united(), &chosen(choices, at), at)
    }

    /// Checks choices by hand against what there is to choose; violations go below `prefix`.
    pub fn check_choices(
        &self,
        other: &Person,
        prefix: &str,
        choices: &BTreeMap<Part, Side>,
        violations: &mut Violations,
    ) {
        let views = (self.united(), other.united());
        for (part, side) in choices {
            let view = match side {
                Side::Survivor => &views.0,
                Side::Absorbed => &views.1,
            };
            let field = format!("{prefix}.{}", part.name());
            if !part.is_for_choice() {
                violations.add(field, "follows from both leads and cannot be chosen");
            } else if part.value(view).is_empty() {
                violations.add(field, "has no value in the lead that was chosen");
            }
        }
    }

    /// Whether `other`, one of whose leads was named to be absorbed by one of this person's, can be. Both persons as
    /// [`assemble`](Self::assemble)d from their survivors. False if there is nothing to do, since it was.
    ///
    /// # Errors
    /// Why not.
    pub fn can_absorb(&self, survivor: Uuid, other: &Person, absorbed: Uuid) -> Result<bool, Refusal> {
        if survivor == absorbed {
            return Err(Refusal::Itself);
        }
        if self.lead != other.lead {
            let count = self.leads().len() + other.leads().len();
            return if count > MOST_LEADS {
                Err(Refusal::TooMany)
            } else {
                Ok(true)
            };
        }
        if self.lead == absorbed {
            return Err(Refusal::Cycle);
        }
        Ok(false)
    }

    /// Absorbs another person; ask [`can_absorb`](Self::can_absorb) before.
    pub fn absorb(&mut self, other: Person, id: Uuid, choices: &BTreeMap<Part, Side>, at: DateTime<Utc>) {
        let merge = Merge {
            id,
            at,
            choices: chosen(choices, at),
        };
        self.absorbed.push(Absorbed { merge, person: other });
    }

    /// Undoes the newest merge of the survivor and gives back whom it had absorbed.
    ///
    /// # Errors
    /// The merge is not one of this person's, or another one has to be undone first.
    pub fn undo(&mut self, merge: Uuid) -> Result<Person, Refusal> {
        let Some(newest) = self.absorbed.pop() else {
            return Err(Refusal::Unknown);
        };
        if newest.merge.id == merge {
            return Ok(newest.person);
        }
        let first = newest.merge.id;
        self.absorbed.push(newest);
        Err(if self.made(merge) {
            Refusal::NotNewest { first }
        } else {
            Refusal::Unknown
        })
    }

    /// What holds for a purpose at `now`, from the records of each lead in the order in which they were stored.
    pub fn consent<'a>(
        &self,
        records: &'a HashMap<Uuid, Vec<Consent>>,
        purpose: &str,
        now: DateTime<Utc>,
    ) -> Option<Current<'a>> {
        let own = records
            .get(&self.lead)
            .and_then(|records| consent::current(records, purpose, now));
        self.absorbed.iter().fold(own, |current, absorbed| {
            let other = absorbed.person.consent(records, purpose, now);
            consent::united(current, other, absorbed.merge.at)
        })
    }

    fn made(&self, merge: Uuid) -> bool {
        self.absorbed
            .iter()
            .any(|absorbed| absorbed.merge.id == merge || absorbed.person.made(merge))
    }
}

fn chosen(choices: &BTreeMap<Part, Side>, at: DateTime<Utc>) -> Choices {
    choices
        .iter()
        .map(|(part, side)| (part.clone(), Choice { side: *side, at }))
        .collect()
}

//! Who changes what, and when.

use chrono::{DateTime, Utc};
use leads_runtime::{clock::Clock, ids::new_id};
use uuid::Uuid;

use crate::{
    domain::activity::{Activity, Change, Details, Kind},
    service::core::Facts,
};

/// Who changes what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The workspace's facts.
    pub facts: &'a Facts,
    /// Who, for the timeline.
    pub actor: &'a str,
    /// Source of ids and of the current time.
    pub clock: &'a Clock,
    /// The current time, the same for everything that is stored.
    pub now: DateTime<Utc>,
}

impl Occasion<'_> {
    pub(super) fn id(&self) -> Uuid {
        new_id(self.clock)
    }

    pub(in crate::service) fn activity(&self, kind: Kind, changes: Vec<Change>, text: String) -> Activity {
        Activity {
            id: self.id(),
            kind: kind.word().to_owned(),
            actor: self.actor.to_owned(),
            at: self.now,
            details: Details { changes, text },
        }
    }
}

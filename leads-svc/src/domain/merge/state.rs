//! What a merge brings together of a lead and its contact, and what events do to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    capture::Capture,
    contact::{Contact, Profile},
    lead::{Channel, Intent, Lead, Outcome, Stage},
};

/// A lead and its contact without their ids, the score (which is computed anew) and revisions (which only rise). This
/// is what is encrypted at rest of a lead that absorbed others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Who it is, with the primary address.
    pub profile: Profile,
    /// Facts that lists can filter by.
    pub attributes: BTreeMap<String, String>,
    /// Where it stands.
    pub stage: Stage,
    /// Set exactly when the stage is closed.
    pub outcome: Option<Outcome>,
    /// When the stage last changed.
    pub stage_changed_at: DateTime<Utc>,
    /// Newest signal.
    pub intent: Intent,
    /// First touch.
    pub channel: Channel,
    /// All touches, in order of first use.
    pub channels: Vec<Channel>,
    /// Sorted, without duplicates.
    pub tags: Vec<String>,
    /// Who works it; empty if nobody.
    pub owner: String,
    /// First capture.
    pub captured_at: DateTime<Utc>,
    /// Last event.
    pub last_activity_at: DateTime<Utc>,
}

/// What somebody changed of a lead by hand; what is absent stays. Transitions are checked before, against the state
/// that the person saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// New stage, with its outcome.
    pub stage: Option<(Stage, Option<Outcome>)>,
    /// All tags, sorted, without duplicates.
    pub tags: Option<Vec<String>>,
    /// New owner; empty for nobody.
    pub owner: Option<String>,
}

impl State {
    /// The state of a lead and its contact.
    pub fn of(contact: &Contact, lead: &Lead) -> Self {
        Self {
            profile: contact.profile.clone(),
            attributes: contact.attributes.clone(),
            stage: lead.stage,
            outcome: lead.outcome,
            stage_changed_at: lead.stage_changed_at,
            intent: lead.intent.clone(),
            channel: lead.channel,
            channels: lead.channels.clone(),
            tags: lead.tags.clone(),
            owner: lead.owner.clone(),
            captured_at: lead.captured_at,
            last_activity_at: lead.last_activity_at,
        }
    }

    /// Puts the state into a lead and its contact.
    pub fn put_into(self, contact: &mut Contact, lead: &mut Lead) {
        contact.profile = self.profile;
        contact.attributes = self.attributes;
        lead.stage = self.stage;
        lead.outcome = self.outcome;
        lead.stage_changed_at = self.stage_changed_at;
        lead.intent = self.intent;
        lead.channel = self.channel;
        lead.channels = self.channels;
        lead.tags = self.tags;
        lead.owner = self.owner;
        lead.captured_at = self.captured_at;
        lead.last_activity_at = self.last_activity_at;
    }

    /// Takes in another capture of the person.
    pub fn capture(&mut self, capture: &Capture, now: DateTime<Utc>) {
        let mut contact = Contact {
            profile: std::mem::take(&mut self.profile),
            attributes: std::mem::take(&mut self.attributes),
            ..Contact::default()
        };
        contact.update(&capture.profile, &capture.attributes, capture.captured_at);
        self.profile = contact.profile;
        self.attributes = contact.attributes;
        if !self.channels.contains(&capture.channel) {
            self.channels.push(capture.channel);
        }
        if let Some(intent) = capture
            .intent
            .as_ref()
            .filter(|intent| intent.at >= self.intent.at)
        {
            self.intent = intent.clone();
        }
        self.last_activity_at = now;
    }

    /// Takes in a change by hand.
    pub fn update(&mut self, update: &Update, now: DateTime<Utc>) {
        if let Some((stage, outcome)) = update.stage {
            if (stage, outcome) != (self.stage, self.outcome) {
                self.stage_changed_at = now;
            }
            (self.stage, self.outcome) = (stage, outcome);
        }
        if let Some(tags) = &update.tags {
            self.tags.clone_from(tags);
        }
        if let Some(owner) = &update.owner {
            self.owner.clone_from(owner);
        }
        self.last_activity_at = now;
    }
}

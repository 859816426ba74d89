//! The united view of two states.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    part::{Choice, Part, Side},
    preview::{Choices, Line, United, Why},
    state::State,
};
use crate::domain::{
    contact::{Field, Profile},
    lead::Channel,
};

/// The united view of two states that were merged at `merged_at`.
pub fn unite(survivor: &State, absorbed: &State, choices: &Choices, merged_at: DateTime<Utc>) -> United {
    let mut union = Union {
        survivor,
        absorbed,
        choices,
        state: survivor.clone(),
        origins: Vec::new(),
    };
    union.email();
    for field in Field::ALL {
        union.field(field);
    }
    union.state.profile.add_identities(&survivor.profile);
    union.state.profile.add_identities(&absorbed.profile);
    union.attributes();
    union.stage(merged_at);
    union.owner();
    union.tags();
    union.touches();
    let Union { state, origins, .. } = union;
    let lines = origins
        .into_iter()
        .map(|(part, from, why)| Line {
            value: part.value(&state),
            part,
            from,
            why,
        })
        .filter(|line| !line.value.is_empty())
        .collect();
    United { state, lines }
}

type Origin = (Option<Side>, Why);

struct Union<'a> {
    survivor: &'a State,
    absorbed: &'a State,
    choices: &'a Choices,
    state: State,
    origins: Vec<(Part, Option<Side>, Why)>,
}

impl<'a> Union<'a> {
    fn note(&mut self, part: Part, (from, why): Origin) {
        self.origins.push((part, from, why));
    }

    fn of(&self, side: Side) -> &'a State {
        match side {
            Side::Survivor => self.survivor,
            Side::Absorbed => self.absorbed,
        }
    }

    fn chosen(&self, part: &Part) -> Option<Side> {
        self.choices.get(part).map(|choice| choice.side)
    }

    fn email(&mut self) {
        let both = (&self.survivor.profile.email, &self.absorbed.profile.email);
        let (side, why) = match (self.chosen(&Part::Email), both) {
            (Some(side), _) => (side, Why::Chosen),
            (None, (None, _)) => (Side::Absorbed, Why::Only),
            (None, (Some(_), None)) => (Side::Survivor, Why::Only),
            (None, (Some(_), Some(_))) => (Side::Survivor, Why::Survivors),
        };
        self.state.profile.email.clone_from(&self.of(side).profile.email);
        self.note(Part::Email, (Some(side), why));
    }

    fn field(&mut self, field: Field) {
        let given = |profile: &'a Profile| {
            let at = profile.filled_at.field(field).unwrap_or(DateTime::UNIX_EPOCH);
            profile.value(field).map(|value| (value, at))
        };
        let both = (given(&self.survivor.profile), given(&self.absorbed.profile));
        let part = Part::Field(field);
        if let Some((value, at, origin)) = newest(both.0, both.1, self.choices.get(&part)) {
            self.state.profile.set(field, Some(value.to_owned()));
            self.state.profile.filled_at.set_field(field, at);
            self.note(part, origin);
        }
    }

    fn attributes(&mut self) {
        let keys: BTreeSet<&'a String> = self
            .survivor
            .attributes
            .keys()
            .chain(self.absorbed.attributes.keys())
            .collect();
        for key in keys {
            let given = |state: &'a State| {
                let at = state
                    .profile
                    .filled_at
                    .attribute(key)
                    .unwrap_or(DateTime::UNIX_EPOCH);
                state.attributes.get(key).map(|value| (value.as_str(), at))
            };
            let part = Part::Attribute(key.clone());
            let choice = self.choices.get(&part);
            if let Some((value, at, origin)) = newest(given(self.survivor), given(self.absorbed), choice) {
                self.state.attributes.insert(key.clone(), value.to_owned());
                self.state.profile.filled_at.set_attribute(key, at);
                self.note(part, origin);
            }
        }
    }

    fn stage(&mut self, merged_at: DateTime<Utc>) {
        let place = |state: &State| (state.stage, state.outcome);
        let (one, other) = (place(self.survivor), place(self.absorbed));
        let (side, origin) = match self.chosen(&Part::Stage) {
            Some(side) => (side, (Some(side), Why::Chosen)),
            None if one == other => (Side::Survivor, (None, Why::Same)),
            None if one.0 == other.0 && self.absorbed.stage_changed_at > self.survivor.stage_changed_at => {
                (Side::Absorbed, (Some(Side::Absorbed), Why::Newest))
            }
            None if one.0 == other.0 => (Side::Survivor, (Some(Side::Survivor), Why::Newest)),
            None if other.0 > one.0 => (Side::Absorbed, (Some(Side::Absorbed), Why::Furthest)),
            None => (Side::Survivor, (Some(Side::Survivor), Why::Furthest)),
        };
        let from = self.of(side);
        (self.state.stage, self.state.outcome) = place(from);
        // A change after the merge is one of the united lead, also where the survivor alone stood there before.
        let changed = self.choices.get(&Part::Stage).map(|choice| choice.at);
        self.state.stage_changed_at = changed
            .filter(|at| *at > merged_at)
            .map_or(from.stage_changed_at, |at| at.max(from.stage_changed_at));
        self.note(Part::Stage, origin);
    }

    fn owner(&mut self) {
        let (side, why) = match self.chosen(&Part::Owner) {
            Some(side) => (side, Why::Chosen),
            None if self.survivor.owner.is_empty() => (Side::Absorbed, Why::Only),
            None if self.absorbed.owner.is_empty() => (Side::Survivor, Why::Only),
            None => (Side::Survivor, Why::Survivors),
        };
        self.state.owner.clone_from(&self.of(side).owner);
        self.note(Part::Owner, (Some(side), why));
    }

    fn tags(&mut self) {
        let origin = match self.chosen(&Part::Tags) {
            Some(side) => {
                self.state.tags.clone_from(&self.of(side).tags);
                (Some(side), Why::Chosen)
            }
            None => {
                let tags: BTreeSet<&String> = self.survivor.tags.iter().chain(&self.absorbed.tags).collect();
                self.state.tags = tags.into_iter().cloned().collect();
                (None, Why::United)
            }
        };
        self.note(Part::Tags, origin);
    }

    /// Intent, channels and times.
    fn touches(&mut self) {
        let (one, other) = (self.survivor, self.absorbed);
        let later = if other.intent.at > one.intent.at {
            Side::Absorbed
        } else {
            Side::Survivor
        };
        self.state.intent = self.of(later).intent.clone();
        self.note(Part::Intent, (Some(later), Why::Newest));
        let (earlier, first, second) = if other.captured_at < one.captured_at {
            (Side::Absorbed, other, one)
        } else {
            (Side::Survivor, one, other)
        };
        self.state.captured_at = first.captured_at;
        self.state.channel = first.channel;
        let mut channels: Vec<Channel> = Vec::new();
        for channel in first.channels.iter().chain(&second.channels) {
            if !channels.contains(channel) {
                channels.push(*channel);
            }
        }
        self.state.channels = channels;
        self.state.last_activity_at = one.last_activity_at.max(other.last_activity_at);
        self.note(Part::Channels, (None, Why::United));
        self.note(Part::CapturedAt, (Some(earlier), Why::Earliest));
    }
}

/// The newer of two values with its time. What was chosen counts as given when it was chosen; of equally new values the
/// chosen one counts, or the survivor's.
fn newest<'a>(
    survivor: Option<(&'a str, DateTime<Utc>)>,
    absorbed: Option<(&'a str, DateTime<Utc>)>,
    choice: Option<&Choice>,
) -> Option<(&'a str, DateTime<Utc>, Origin)> {
    let (one, other) = match (survivor, absorbed) {
        (None, None) => return None,
        (Some((value, at)), None) => return Some((value, at, (Some(Side::Survivor), Why::Only))),
        (None, Some((value, at))) => return Some((value, at, (Some(Side::Absorbed), Why::Only))),
        (Some(one), Some(other)) => (one, other),
    };
    if one.0 == other.0 {
        return Some((one.0, one.1.max(other.1), (None, Why::Same)));
    }
    let chosen = choice.map(|choice| choice.side);
    let time = |side: Side, at: DateTime<Utc>| match choice {
        Some(choice) if choice.side == side => at.max(choice.at),
        Some(_) | None => at,
    };
    let times = (time(Side::Survivor, one.1), time(Side::Absorbed, other.1));
    let absorbed_wins = times.1 > times.0 || (times.1 == times.0 && chosen == Some(Side::Absorbed));
    let (side, value, given, at) = if absorbed_wins {
        (Side::Absorbed, other.0, other.1, times.1)
    } else {
        (Side::Survivor, one.0, one.1, times.0)
    };
    let is_chosen = choice.is_some_and(|choice| choice.side == side && given <= choice.at);
    let why = if is_chosen { Why::Chosen } else { Why::Newest };
    Some((value, at, (Some(side), why)))
}

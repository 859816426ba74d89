//! The parts of a lead that a merge decides one by one, and what somebody chose for them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::state::State;
use crate::domain::contact::Field;

/// One of the two leads of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The lead that stays.
    Survivor,
    /// The lead that disappears behind it.
    Absorbed,
}

/// A part of a lead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Part {
    /// The primary address.
    Email,
    /// A field of the contact.
    Field(Field),
    /// An attribute of the contact, by its key.
    Attribute(String),
    /// The stage with its outcome.
    Stage,
    /// Who works it.
    Owner,
    /// The tags.
    Tags,
    /// The buying-intent signal. Not for choice.
    Intent,
    /// First touch and all touches. Not for choice.
    Channels,
    /// First capture. Not for choice.
    CapturedAt,
}

/// A choice by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Whose value it is.
    #[serde(rename = "s")]
    pub side: Side,
    /// When it was chosen. A value of the contact that was given later wins all the same.
    #[serde(rename = "t", with = "chrono::serde::ts_microseconds")]
    pub at: DateTime<Utc>,
}

const ATTRIBUTES: &str = "contact.attributes.";

impl Part {
    /// Its path in the contract's `Lead`.
    pub fn name(&self) -> String {
        match self {
            Part::Email => "contact.email".to_owned(),
            Part::Field(field) => format!("contact.{}", field.name()),
            Part::Attribute(key) => format!("{ATTRIBUTES}{key}"),
            Part::Stage => "stage".to_owned(),
            Part::Owner => "owner".to_owned(),
            Part::Tags => "tags".to_owned(),
            Part::Intent => "intent".to_owned(),
            Part::Channels => "channels".to_owned(),
            Part::CapturedAt => "captured_at".to_owned(),
        }
    }

    /// The part of that path.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "contact.email" => Some(Part::Email),
            "stage" => Some(Part::Stage),
            "owner" => Some(Part::Owner),
            "tags" => Some(Part::Tags),
            "intent" => Some(Part::Intent),
            "channels" => Some(Part::Channels),
            "captured_at" => Some(Part::CapturedAt),
            _ => match name.strip_prefix(ATTRIBUTES) {
                Some(key) => Some(Part::Attribute(key.to_owned())),
                None => Field::parse(name.strip_prefix("contact.")?).map(Part::Field),
            },
        }
    }

    /// Whether somebody can choose whose value counts.
    pub fn is_for_choice(&self) -> bool {
        !matches!(self, Part::Intent | Part::Channels | Part::CapturedAt)
    }

    /// The value as text, empty if there is none.
    pub fn value(&self, state: &State) -> String {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        match self {
            Part::Email => text(state.profile.email.as_deref()),
            Part::Field(field) => text(state.profile.value(*field)),
            Part::Attribute(key) => text(state.attributes.get(key).map(String::as_str)),
            Part::Stage => match state.outcome {
                Some(outcome) => format!("{}, {}", state.stage.word(), outcome.word()),
                None => state.stage.word().to_owned(),
            },
            Part::Owner => state.owner.clone(),
            Part::Tags => state.tags.join(", "),
            Part::Intent => state.intent.signal.clone(),
            Part::Channels => {
                let words: Vec<&str> = state.channels.iter().map(|channel| channel.word()).collect();
                words.join(", ")
            }
            Part::CapturedAt => state.captured_at.to_rfc3339(),
        }
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.name()
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("{name:?} is no part of a lead"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn choices_are_stored_by_the_path_of_their_part() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap();
        let choice = |side| Choice { side, at };
        let choices = BTreeMap::from([
            (Part::Email, choice(Side::Absorbed)),
            (Part::Field(Field::Company), choice(Side::Survivor)),
            (Part::Attribute("utm.source".to_owned()), choice(Side::Absorbed)),
            (Part::Stage, choice(Side::Absorbed)),
        ]);
        let stored = serde_json::to_string(&choices).unwrap();
        assert!(
            stored.contains(r#""contact.attributes.utm.source":{"s":"absorbed","t":1700000000000001}"#),
            "{stored}"
        );
        assert_eq!(
            serde_json::from_str::<BTreeMap<Part, Choice>>(&stored).unwrap(),
            choices
        );
        assert!(
            serde_json::from_str::<BTreeMap<Part, Choice>>(r#"{"score":{"s":"absorbed","t":1}}"#).is_err()
        );
    }

    #[test]
    fn every_part_is_found_by_its_name() {
        let parts = [
            Part::Email,
            Part::Attribute("a".to_owned()),
            Part::Stage,
            Part::Owner,
            Part::Tags,
            Part::Intent,
            Part::Channels,
            Part::CapturedAt,
        ];
        for part in parts.into_iter().chain(Field::ALL.map(Part::Field)) {
            assert_eq!(Part::parse(&part.name()), Some(part));
        }
        assert_eq!(Part::parse("contact.score"), None);
    }
}

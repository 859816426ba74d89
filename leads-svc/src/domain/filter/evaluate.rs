//! A filter evaluated against one lead.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    ast::{Comparator, Filter, Term, Test, Value},
    field::{CrmField, Field, Points},
};
use crate::domain::{
    contact::Contact,
    lead::Lead,
    score::Score,
    search::{self, Part},
    sync::{Link, Provider},
};

/// A lead with what is shown beside it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The lead.
    pub lead: &'a Lead,
    /// The person.
    pub contact: &'a Contact,
    /// The current score.
    pub score: Option<&'a Score>,
    /// One per CRM.
    pub links: &'a [Link],
}

/// What a field of a lead holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read<'a> {
    /// Nothing, or nothing that is one value.
    Missing,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// A time.
    Time(DateTime<Utc>),
    /// An id.
    Id(Uuid),
}

impl Filter {
    /// Whether the filter lets the lead through, if it is `now`.
    pub fn matches(&self, subject: &Subject<'_>, now: DateTime<Utc>) -> bool {
        match self {
            Filter::All(parts) => parts.iter().all(|part| part.matches(subject, now)),
            Filter::Any(parts) => parts.iter().any(|part| part.matches(subject, now)),
            Filter::Not(part) => !part.matches(subject, now),
            Filter::Is(term) => term.is_true(subject, now),
        }
    }
}

impl Term {
    fn is_true(&self, subject: &Subject<'_>, now: DateTime<Utc>) -> bool {
        match (&self.test, &self.field) {
            (Test::Compare(comparator, Value::Text(whole)), Field::Person(part)) => {
                subject.compares_whole(*part, *comparator, whole)
            }
            (Test::Compare(comparator, value), field) => {
                compares(field.read(subject), *comparator, value, now)
            }
            (Test::Holds(member), Field::Tags) => subject.lead.tags.contains(member),
            (Test::Holds(member), _) => {
                let mut channels = subject.lead.channels.iter();
                channels.any(|channel| channel.word() == member)
            }
            (Test::Words(words), field) => {
                let within = match field {
                    Field::Person(part) => Some(*part),
                    _ => None,
                };
                let profile = &subject.contact.profile;
                words.iter().all(|word| search::finds(profile, within, word))
            }
            (Test::IsPresent, Field::Tags) => !subject.lead.tags.is_empty(),
            (Test::IsPresent, Field::Person(part)) => part.of(&subject.contact.profile).is_some(),
            (Test::IsPresent, field) => field.read(subject) != Read::Missing,
        }
    }
}

impl Field {
    /// What the field holds, if it holds one value that is compared as it is.
    pub fn read<'a>(&self, subject: &Subject<'a>) -> Read<'a> {
        let Subject {
            lead, contact, score, ..
        } = *subject;
        match self {
            Field::Id => Read::Id(lead.id),
            Field::ContactId => Read::Id(lead.contact_id),
            Field::Stage => Read::Text(lead.stage.word()),
            Field::Outcome => lead
                .outcome
                .map_or(Read::Missing, |outcome| Read::Text(outcome.word())),
            Field::Channel => Read::Text(lead.channel.word()),
            Field::Owner => text(&lead.owner),
            Field::IntentSignal => Read::Text(&lead.intent.signal),
            Field::IntentAt => Read::Time(lead.intent.at),
            Field::CapturedAt => Read::Time(lead.captured_at),
            Field::LastActivityAt => Read::Time(lead.last_activity_at),
            Field::StageChangedAt => Read::Time(lead.stage_changed_at),
            Field::Score => Read::Number(lead.score.into()),
            Field::Revision => Read::Number(lead.revision),
            Field::Points(points) => score
                .and_then(|score| earned(score, *points))
                .map_or(Read::Missing, Read::Number),
            Field::Framework => score.map_or(Read::Missing, |score| Read::Text(&score.framework)),
            Field::ScoredAt => score.map_or(Read::Missing, |score| Read::Time(score.scored_at)),
            Field::Attribute(key) => contact
                .attributes
                .get(key)
                .map_or(Read::Missing, |value| Read::Text(value)),
            Field::Crm(provider, field) => {
                subject.link(*provider).map_or(Read::Missing, |link| match field {
                    CrmField::Status => Read::Text(link.status.word()),
                    CrmField::ExternalId => text(&link.external_id),
                    CrmField::SyncedAt => link.synced_at.map_or(Read::Missing, Read::Time),
                })
            }
            Field::Anywhere | Field::Person(_) | Field::Channels | Field::Tags | Field::Band => Read::Missing,
        }
    }
}

impl<'a> Subject<'a> {
    fn link(&self, provider: Provider) -> Option<&'a Link> {
        self.links.iter().find(|link| link.provider == provider)
    }

    fn compares_whole(&self, part: Part, comparator: Comparator, whole: &str) -> bool {
        let own = part.of(&self.contact.profile).map(|text| part.whole(text));
        matches!(own, Some(Ok(own)) if comparator.holds(own.as_str(), whole))
    }
}

fn text(text: &str) -> Read<'_> {
    if text.is_empty() {
        Read::Missing
    } else {
        Read::Text(text)
    }
}

fn earned(score: &Score, points: Points) -> Option<i64> {
    let mut dimensions = score.dimensions.iter();
    let dimension = dimensions.find(|dimension| dimension.key == points.key())?;
    Some(dimension.points.into())
}

fn compares(read: Read<'_>, comparator: Comparator, value: &Value, now: DateTime<Utc>) -> bool {
    match (read, value) {
        (Read::Number(own), Value::Number(value)) => comparator.holds(&own, value),
        (Read::Text(own), Value::Text(value)) => comparator.holds(own, value.as_str()),
        (Read::Time(own), Value::Time(when)) => comparator.holds(&own, &when.resolve(now)),
        (Read::Id(own), Value::Id(value)) => comparator.holds(&own, value),
        // The parser lets no value through that is not of the field's kind.
        (Read::Missing, _) | (_, _) => false,
    }
}

//! Scores a conversation: text to evidence, evidence to points, message indexes to message ids.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use jiff::{Timestamp, tz::Offset};

pub use crate::scoring::Band;
use crate::{
    domain::{
        capture::StoredMessage,
        contact::Profile,
        conversation::{self, Turn},
        icp::IdealCustomer,
        score::{Dimension, Quote, Score},
    },
    qualify::{self, Conversation},
    scoring::{self, Rubric},
};

/// Every workspace's rubric, until workspaces have their own.
static RUBRIC: LazyLock<Rubric> = LazyLock::new(scoring::presets::bant);

/// The score of a conversation, told from `captured_at`.
pub fn score(
    profile: &Profile,
    messages: &[StoredMessage],
    ideal_customer: &IdealCustomer,
    captured_at: DateTime<Utc>,
    scored_at: DateTime<Utc>,
) -> Score {
    let turns: Vec<Turn<'_>> = messages
        .iter()
        .map(|message| Turn {
            role: message.role,
            text: &message.text,
        })
        .collect();
    let evidence = qualify::qualify(&Conversation {
        captured_at: Timestamp::from_microsecond(captured_at.timestamp_micros())
            .unwrap_or(Timestamp::UNIX_EPOCH),
        offset: Offset::UTC,
        icp: ideal_customer,
        profile: conversation::Profile {
            name: profile.name.as_deref(),
            email: profile.email.as_deref(),
            company: profile.company.as_deref(),
            title: profile.title.as_deref(),
        },
        turns: &turns,
    });
    let rubric = &*RUBRIC;
    let score = scoring::score(rubric, &evidence);
    Score {
        total: score.total,
        framework: rubric.framework.clone(),
        rubric_version: i32::try_from(rubric.version).unwrap_or(i32::MAX),
        dimensions: score
            .dimensions
            .into_iter()
            .map(|dimension| Dimension {
                key: dimension.key,
                label: dimension.label,
                points: dimension.points,
                max: dimension.max,
                level: dimension.level,
                reason: dimension.reason.to_owned(),
                quote: dimension.quote.and_then(|quote| by_id(quote, messages)),
            })
            .collect(),
        scored_at,
    }
}

fn by_id(quote: qualify::Quote, messages: &[StoredMessage]) -> Option<Quote> {
    let message = messages.get(quote.message)?;
    let before = message.text.get(..quote.start)?.chars().count();
    let text = message.text.get(quote.start..quote.end)?;
    Some(Quote {
        message_id: message.external_id.clone(),
        start: before,
        end: before + text.chars().count(),
        text: text.to_owned(),
    })
}

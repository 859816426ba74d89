//! A score as it is kept and shown: the parts, their quotes by message id, and the sum.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A qualification result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// Sum of the dimensions' points, 0 to 100.
    pub total: u8,
    /// Such as `bant`.
    pub framework: String,
    /// From 1.
    pub rubric_version: i32,
    /// The parts.
    pub dimensions: Vec<Dimension>,
    /// When it was computed.
    pub scored_at: DateTime<Utc>,
}

impl Score {
    /// Points of each part, by its machine name.
    pub fn points(&self) -> BTreeMap<&str, u8> {
        let dimensions = self.dimensions.iter();
        dimensions
            .map(|dimension| (dimension.key.as_str(), dimension.points))
            .collect()
    }
}

/// One part of a score. Encrypted at rest, since it holds quotes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Machine name.
    pub key: String,
    /// Name for people.
    pub label: String,
    /// Points earned.
    pub points: u8,
    /// Most points.
    pub max: u8,
    /// Machine name of the level.
    pub level: String,
    /// Why this level.
    pub reason: String,
    /// The words that earned the points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
}

/// A verbatim quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Message that holds it.
    pub message_id: String,
    /// First character, in code points.
    pub start: usize,
    /// One past the last character, in code points.
    pub end: usize,
    /// The characters.
    pub text: String,
}

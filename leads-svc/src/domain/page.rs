//! Pages of lists: sizes, orders, and what a list of leads can be narrowed by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    lead::{Channel, Stage},
    sync::Status,
};

/// Rows of a page when the caller does not say.
pub const DEFAULT_SIZE: u64 = 50;
/// Most rows of a page.
pub const MAX_SIZE: u64 = 200;

/// The page size that a caller asked for: 0 is the default, more than the most is read as the most.
///
/// # Errors
/// It is negative.
pub fn size(asked: i32) -> Result<u64, &'static str> {
    match u64::try_from(asked) {
        Err(_) => Err("must not be negative"),
        Ok(0) => Ok(DEFAULT_SIZE),
        Ok(size) => Ok(size.min(MAX_SIZE)),
    }
}

/// Column that leads are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Time of the first capture.
    CapturedAt,
    /// Score.
    Score,
}

/// Order of leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub key: Key,
    /// Largest first.
    pub descending: bool,
}

impl LeadQuery {
    /// Whether the answer depends on scores.
    pub fn names_score(&self) -> bool {
        self.score_min.is_some() || self.score_max.is_some() || self.order.key == Key::Score
    }
}

impl Order {
    /// Reads `captured_at desc` and its like; empty is the newest first.
    ///
    /// # Errors
    /// What is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "must be captured_at or score, optionally followed by asc or desc";
        let mut words = text.split_whitespace();
        let key = match words.next() {
            None => {
                return Ok(Self {
                    key: Key::CapturedAt,
                    descending: true,
                });
            }
            Some("captured_at") => Key::CapturedAt,
            Some("score") => Key::Score,
            Some(_) => return Err(EXPECTED),
        };
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(EXPECTED),
        };
        if words.next().is_some() {
            return Err(EXPECTED);
        }
        Ok(Self { key, descending })
    }
}

/// Which leads, in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadQuery {
    /// Lowest score.
    pub score_min: Option<u8>,
    /// Highest score.
    pub score_max: Option<u8>,
    /// Only this stage.
    pub stage: Option<Stage>,
    /// Only this first channel.
    pub channel: Option<Channel>,
    /// Only this sync status.
    pub sync: Option<Status>,
    /// Words that must all be found, as `search::words` makes them.
    pub words: Vec<String>,
    /// The order; ties are broken by id.
    pub order: Order,
}

/// Where a page of leads ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadCursor {
    /// First capture of the last lead.
    pub captured_at: DateTime<Utc>,
    /// Score of the last lead.
    pub score: u8,
    /// The last lead.
    pub id: Uuid,
}

/// Which contacts; the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactQuery {
    /// Words that must all be found, as `search::words` makes them.
    pub words: Vec<String>,
    /// Only those that are no leads.
    pub without_lead: bool,
}

/// Where a page of contacts ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCursor {
    /// First touch of the last contact.
    pub created_at: DateTime<Utc>,
    /// The last contact.
    pub id: Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_default_and_a_ceiling() {
        assert_eq!((size(0), size(7), size(100_000)), (Ok(50), Ok(7), Ok(200)));
        assert!(size(-1).is_err());
    }

    #[test]
    fn orders_parse_and_nothing_else_does() {
        assert_eq!(
            Order::parse(""),
            Ok(Order {
                key: Key::CapturedAt,
                descending: true
            })
        );
        assert_eq!(
            Order::parse("score desc"),
            Ok(Order {
                key: Key::Score,
                descending: true
            })
        );
        assert_eq!(
            Order::parse(" captured_at "),
            Ok(Order {
                key: Key::CapturedAt,
                descending: false
            })
        );
        for text in [
            "name",
            "score; drop table leads",
            "score desc desc",
            "score,score",
        ] {
            assert!(Order::parse(text).is_err(), "{text}");
        }
    }
}

//! Pages of lists: sizes, orders, and what a list of leads can be narrowed by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::filter::{Field, Filter, Kind, Read, Subject};

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

/// Most fields that a list is ordered by.
const MAX_KEYS: usize = 3;

/// Order of leads: by the first field, where that is equal by the next, and at last by the id. Leads without a value come
/// last, whichever the direction; words of a closed list are in the order in which it names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(Vec<Key>);

/// A field that leads are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Which; one that can be sorted by.
    pub field: Field,
    /// Largest first.
    pub descending: bool,
}

impl Order {
    /// The newest capture first.
    pub fn newest() -> Self {
        Self(vec![Key {
            field: Field::CapturedAt,
            descending: true,
        }])
    }

    /// Reads `score desc, captured_at` and its like; empty is the newest first.
    ///
    /// # Errors
    /// What is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::newest());
        }
        let mut keys: Vec<Key> = Vec::new();
        for part in text.split(',') {
            let key = Key::parse(part).ok_or_else(|| {
                let names = Field::sortable_names();
                format!("must be up to {MAX_KEYS} fields, separated by commas, each followed by asc or desc or neither: {names}")
            })?;
            if keys.iter().any(|known| known.field == key.field) {
                return Err(format!("names {} twice", key.field.name()));
            }
            keys.push(key);
        }
        if keys.len() > MAX_KEYS {
            return Err(format!("must have at most {MAX_KEYS} fields"));
        }
        Ok(Self(keys))
    }

    /// The fields, the first one counting most; at least one.
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// Where a page ends with this lead.
    pub fn cursor(&self, subject: &Subject<'_>, as_of: DateTime<Utc>) -> LeadCursor {
        LeadCursor {
            marks: self.0.iter().map(|key| Mark::of(&key.field, subject)).collect(),
            id: subject.lead.id,
            as_of,
        }
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let field = Field::parse(words.next()?).filter(Field::is_sortable)?;
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Self { field, descending })
    }
}

/// Which leads, in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadQuery {
    /// Which.
    pub filter: Filter,
    /// Whether the caller wrote the filter as text, which is part of some plans only.
    pub is_written: bool,
    /// The order; ties are broken by id.
    pub order: Order,
}

impl LeadQuery {
    /// Every lead, the newest first.
    pub fn everything() -> Self {
        Self {
            filter: Filter::EVERYTHING,
            is_written: false,
            order: Order::newest(),
        }
    }

    /// Whether the answer depends on scores.
    pub fn names_score(&self) -> bool {
        self.filter.names(&Field::is_of_score) || self.order.keys().iter().any(|key| key.field.is_of_score())
    }
}

/// Where a page of leads ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadCursor {
    /// The last lead's values of the fields that the list is ordered by.
    pub marks: Vec<Mark>,
    /// The last lead.
    pub id: Uuid,
    /// The time that counts as now on all pages of one list, so that `-7d` means the same on each.
    pub as_of: DateTime<Utc>,
}

/// A lead's value of a field that lists are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// There is none.
    Missing,
    /// A number, or the place of a word in its list.
    Number(i64),
    /// A text.
    Text(String),
    /// A time.
    Time(DateTime<Utc>),
}

impl Mark {
    fn of(field: &Field, subject: &Subject<'_>) -> Self {
        match (field.read(subject), field.kind()) {
            (Read::Text(text), Kind::Word(words)) => {
                let place = words().into_iter().position(|word| word == text);
                Mark::Number(
                    place
                        .and_then(|place| i64::try_from(place).ok())
                        .unwrap_or_default(),
                )
            }
            (Read::Text(text), _) => Mark::Text(text.to_owned()),
            (Read::Number(number), _) => Mark::Number(number),
            (Read::Time(at), _) => Mark::Time(at),
            (Read::Missing | Read::Id(_), _) => Mark::Missing,
        }
    }
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
        let keys = |text: &str| -> Vec<(String, bool)> {
            let order = Order::parse(text).unwrap();
            order
                .keys()
                .iter()
                .map(|key| (key.field.name(), key.descending))
                .collect()
        };
        let newest = [("captured_at".to_owned(), true)];
        assert_eq!((keys(""), keys("  ")), (newest.to_vec(), newest.to_vec()));
        assert_eq!(keys("score.total desc"), [("score".to_owned(), true)]);
        assert_eq!(
            keys(" stage,intent.at  asc , owner desc"),
            [
                ("stage".to_owned(), false),
                ("intent.at".to_owned(), false),
                ("owner".to_owned(), true)
            ]
        );
        for text in [
            "name",
            "contact.email",
            "tags",
            "score.budget",
            "attributes.plan",
            "crm.hubspot.status",
            "score; drop table leads",
            "score desc desc",
            "score,score desc",
            "score,",
            ",",
            "score DESC",
            "score,stage,owner,channel",
        ] {
            assert!(Order::parse(text).is_err(), "{text}");
        }
    }
}

//! A filter as it was understood.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use super::field::Field;

/// Which leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Those that all parts let through; without parts, every lead.
    All(Vec<Filter>),
    /// Those that one of the parts lets through.
    Any(Vec<Filter>),
    /// Those that the part does not let through.
    Not(Box<Filter>),
    /// Those of which the term is true.
    Is(Term),
}

/// One test of one field. Made by the parser and by [`Filter`]'s constructors, which see to it that field and test fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is looked at.
    pub field: Field,
    /// What is asked of it.
    pub test: Test,
}

/// What is asked of a field. False if the field has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// How the value compares.
    Compare(Comparator, Value),
    /// Whether a set has this member.
    Holds(String),
    /// Whether all these words are found, each whole or by its beginning.
    Words(Vec<String>),
    /// Whether there is a value.
    IsPresent,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// A text, a word of a closed list, or the whole of an encrypted part in the form in which it is indexed.
    Text(String),
    /// A time.
    Time(When),
    /// An id.
    Id(Uuid),
}

/// A time in a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This one, in whole microseconds as times are stored.
    At(DateTime<Utc>),
    /// As far from the time at which the filter is evaluated.
    FromNow(TimeDelta),
}

impl Filter {
    /// Every lead.
    pub const EVERYTHING: Filter = Filter::All(Vec::new());

    /// Leads whose field compares so with a value of the field's kind.
    pub fn compare(field: Field, comparator: Comparator, value: Value) -> Self {
        Self::Is(Term {
            field,
            test: Test::Compare(comparator, value),
        })
    }

    /// Leads whose field is this word of its list, or this text.
    pub fn equals(field: Field, text: &str) -> Self {
        Self::compare(field, Comparator::Equal, Value::Text(text.to_owned()))
    }

    /// Leads whose set of this name has the member.
    pub fn holds(set: Field, member: &str) -> Self {
        Self::Is(Term {
            field: set,
            test: Test::Holds(member.to_owned()),
        })
    }

    /// Leads of which all words are found in name, company or email.
    pub fn words(words: Vec<String>) -> Self {
        Self::Is(Term {
            field: Field::Anywhere,
            test: Test::Words(words),
        })
    }

    /// Whether one of the terms satisfies the condition.
    pub fn names(&self, condition: &impl Fn(&Field) -> bool) -> bool {
        match self {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().any(|part| part.names(condition)),
            Filter::Not(part) => part.names(condition),
            Filter::Is(term) => condition(&term.field),
        }
    }
}

impl Comparator {
    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "!=",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    /// Whether two values compare so.
    pub fn holds<T: Ord + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Comparator::Equal => left == right,
            Comparator::NotEqual => left != right,
            Comparator::Less => left < right,
            Comparator::LessOrEqual => left <= right,
            Comparator::Greater => left > right,
            Comparator::GreaterOrEqual => left >= right,
        }
    }
}

impl When {
    /// The time, in whole microseconds, if it is `now`.
    pub fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            When::At(at) => at,
            When::FromNow(delta) => now.checked_add_signed(delta).unwrap_or(now),
        }
        .trunc_subsecs(6)
    }
}

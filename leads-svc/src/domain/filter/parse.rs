//! From the text of a filter to what it means.
//!
//! ```text
//! filter  = [ all ]
//! all     = any { "AND" any }
//! any     = single { "OR" single }
//! single  = [ "NOT" | "-" ] ( "(" all ")" | field sign literal | field ":" literal | field ":*" | words )
//! ```

use std::fmt;

use super::{
    ast::{Comparator, Filter, Term, Test, Value},
    field::{Field, Kind as FieldKind},
    literal,
    token::{Kind, Token, tokens},
};
use crate::domain::{band::Band, contact::is_attribute_key};

/// Most bytes of a filter.
pub const MAX_BYTES: usize = 4_096;
/// Most parentheses and negations within each other.
pub const MAX_DEPTH: usize = 20;
/// Most that the terms of a filter cost together: 1 each, 4 where other rows than the lead's are looked into, and 4 for
/// each word that is searched.
pub const MAX_COST: usize = 100;

const ELSEWHERE_COST: usize = 4;
/// Characters of the caller's that an error repeats.
const MAX_SHOWN: usize = 40;
const WANTS_SINGLE: &str = "a field such as score, a word to search for, NOT or (";

/// Why a filter cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// First character at fault, from 1.
    pub position: usize,
    /// What stands there; none at the end.
    pub found: Option<String>,
    /// What should.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "at character {}: found {found:?}, ", self.position)?,
            None => write!(f, "at character {}: it ends, ", self.position)?,
        }
        write!(f, "expected {}", self.expected)
    }
}

/// Reads a filter; nothing but spaces lets every lead through.
///
/// # Errors
/// The first place that cannot be understood.
pub fn parse(text: &str) -> Result<Filter, Fault> {
    let mut parser = Parser {
        text,
        tokens: Vec::new(),
        next: 0,
        depth: 0,
        cost: 0,
    };
    if text.len() > MAX_BYTES {
        return Err(parser.fault_at(
            MAX_BYTES,
            format!("the end: a filter has at most {MAX_BYTES} bytes"),
        ));
    }
    if let Some((at, _)) = text.char_indices().find(|(_, letter)| is_refused(*letter)) {
        return Err(parser.fault_at(at, "a text without control characters".to_owned()));
    }
    parser.tokens = tokens(text).map_err(|at| parser.no_token(at))?;
    if parser.tokens.is_empty() {
        return Ok(Filter::EVERYTHING);
    }
    let filter = parser.all()?;
    if parser.peek().is_some() {
        return Err(parser.fault("AND, OR (in capitals) or the end"));
    }
    Ok(filter)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    cost: usize,
}

impl Parser<'_> {
    fn all(&mut self) -> Result<Filter, Fault> {
        let mut parts = vec![self.any()?];
        while self.take_word("AND") {
            parts.push(self.any()?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn any(&mut self) -> Result<Filter, Fault> {
        let mut parts = vec![self.single()?];
        while self.take_word("OR") {
            parts.push(self.single()?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn single(&mut self) -> Result<Filter, Fault> {
        if self.depth > MAX_DEPTH {
            return Err(self.fault(format!(
                "at most {MAX_DEPTH} parentheses and NOT within each other"
            )));
        }
        if self.take_word("NOT") || self.take_minus() {
            self.depth += 1;
            let negated = self.single()?;
            self.depth -= 1;
            return Ok(Filter::Not(Box::new(negated)));
        }
        match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Open) => {
                self.next += 1;
                self.depth += 1;
                let inner = self.all()?;
                if self.peek().map(|token| &token.kind) != Some(&Kind::Close) {
                    return Err(self.fault("AND, OR (in capitals) or )"));
                }
                self.next += 1;
                self.depth -= 1;
                Ok(inner)
            }
            Some(Kind::Quoted(text)) => self.words(Field::Anywhere, &text),
            Some(Kind::Bare(word)) if word == "AND" || word == "OR" => Err(self.fault(WANTS_SINGLE)),
            Some(Kind::Bare(word)) => match self.tokens.get(self.next + 1).map(|token| &token.kind) {
                Some(Kind::Has | Kind::Compares(_)) => self.restriction(&word),
                _ => self.words(Field::Anywhere, &word),
            },
            Some(Kind::Close | Kind::Has | Kind::Compares(_)) | None => Err(self.fault(WANTS_SINGLE)),
        }
    }

    fn restriction(&mut self, path: &str) -> Result<Filter, Fault> {
        let is_map = matches!(path, "attributes" | "contact.attributes");
        let field = match Field::parse(path) {
            Some(field) => field,
            None if is_map => return self.has_attribute(),
            None => return Err(self.fault(format!("a field: {}", Field::names()))),
        };
        self.next += 1;
        let sign = self.peek().map(|token| token.kind.clone());
        match sign {
            Some(Kind::Compares(comparator)) if field.kind().comparators().contains(&comparator) => {
                self.next += 1;
                self.comparison(field, comparator)
            }
            Some(Kind::Has) if self.is_star(self.next + 1) && field.is_optional() => {
                self.next += 1;
                self.term(field, Test::IsPresent)
            }
            Some(Kind::Has) if is_searched(&field) => {
                self.next += 1;
                let text = self.literal()?;
                if matches!(field.kind(), FieldKind::Sealed) {
                    return self.words(field, &text);
                }
                let member = literal::member(&field, &text).map_err(|expected| self.fault(expected))?;
                self.term(field, Test::Holds(member))
            }
            _ => Err(self.fault(signs(&field))),
        }
    }

    /// `attributes:key`.
    fn has_attribute(&mut self) -> Result<Filter, Fault> {
        self.next += 1;
        if self.peek().map(|token| &token.kind) != Some(&Kind::Has) {
            return Err(self.fault(": and the key of an attribute, or attributes.<key> for its value"));
        }
        self.next += 1;
        let key = self.literal()?;
        if !is_attribute_key(&key) {
            return Err(self.fault("the key of an attribute: 1 to 64 letters, digits, _, - or ."));
        }
        self.term(Field::Attribute(key), Test::IsPresent)
    }

    fn comparison(&mut self, field: Field, comparator: Comparator) -> Result<Filter, Fault> {
        let text = self.literal()?;
        let value = literal::value(&field, &text).map_err(|expected| self.fault(expected))?;
        match (&field, &value) {
            (Field::Band, Value::Text(word)) => {
                let (low, high) = Band::ALL
                    .iter()
                    .find(|band| band.key() == word)
                    .map_or((0, 100), |band| band.range());
                let within = Filter::All(vec![
                    self.term(Field::Score, at(Comparator::GreaterOrEqual, low))?,
                    Filter::Is(Term {
                        field: Field::Score,
                        test: at(Comparator::LessOrEqual, high),
                    }),
                ]);
                Ok(match comparator {
                    Comparator::NotEqual => Filter::Not(Box::new(within)),
                    _ => within,
                })
            }
            _ => self.term(field, Test::Compare(comparator, value)),
        }
    }

    fn words(&mut self, field: Field, text: &str) -> Result<Filter, Fault> {
        let words = literal::words(text).map_err(|expected| self.fault(expected))?;
        self.term(field, Test::Words(words))
    }

    /// A term that ends with the next token.
    fn term(&mut self, field: Field, test: Test) -> Result<Filter, Fault> {
        self.cost += match &test {
            Test::Words(words) => words.len() * ELSEWHERE_COST,
            _ if field.is_elsewhere() => ELSEWHERE_COST,
            _ => 1,
        };
        if self.cost > MAX_COST {
            return Err(self.fault(format!(
                "fewer terms: they cost more than {MAX_COST}, 1 each, {ELSEWHERE_COST} for words, tags, attributes, \
                 parts of the score and crm"
            )));
        }
        self.next += 1;
        Ok(Filter::Is(Term { field, test }))
    }

    /// The text of the literal that comes next; it is not passed.
    fn literal(&mut self) -> Result<String, Fault> {
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Quoted(text) | Kind::Bare(text)) => Ok(text.clone()),
            _ => Err(self.fault("a value; one with spaces or signs in quotes")),
        }
    }

    fn is_star(&self, place: usize) -> bool {
        matches!(self.tokens.get(place).map(|token| &token.kind), Some(Kind::Bare(text)) if text == "*")
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.peek().map(|token| &token.kind), Some(Kind::Bare(bare)) if bare == word);
        self.next += usize::from(is_it);
        is_it
    }

    /// A `-` before a field, a word or a parenthesis.
    fn take_minus(&mut self) -> bool {
        let Some(token) = self.tokens.get_mut(self.next) else {
            return false;
        };
        let Kind::Bare(text) = &mut token.kind else {
            return false;
        };
        if text == "-" {
            self.next += 1;
            return true;
        }
        if !text.starts_with('-') {
            return false;
        }
        text.remove(0);
        token.at.start += 1;
        true
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn fault(&self, expected: impl Into<String>) -> Fault {
        match self.peek() {
            Some(token) => Fault {
                position: self.position(token.at.start),
                found: self.text.get(token.at.clone()).map(shortened),
                expected: expected.into(),
            },
            None => self.fault_at(self.text.len(), expected.into()),
        }
    }

    fn fault_at(&self, byte: usize, expected: String) -> Fault {
        let byte = self.text.floor_char_boundary(byte);
        Fault {
            position: self.position(byte),
            found: self
                .text
                .get(byte..)
                .filter(|rest| !rest.is_empty())
                .map(shortened),
            expected,
        }
    }

    /// What can start where no token does.
    fn no_token(&self, byte: usize) -> Fault {
        let expected = match self.text.get(byte..).and_then(|rest| rest.chars().next()) {
            Some('"' | '\'') => "a text that ends with the same quote; \\ stands before \", ' and \\ only",
            Some('!') => "!=",
            _ => "a field, a sign, a value or a parenthesis; put texts with other signs in quotes",
        };
        self.fault_at(byte, expected.to_owned())
    }

    fn position(&self, byte: usize) -> usize {
        self.text.get(..byte).map_or(0, |before| before.chars().count()) + 1
    }
}

fn at(comparator: Comparator, total: u8) -> Test {
    Test::Compare(comparator, Value::Number(total.into()))
}

fn one_or(mut parts: Vec<Filter>, several: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}

fn is_searched(field: &Field) -> bool {
    match field {
        Field::Person(part) => field.kind().is_searched(Some(*part)),
        _ => field.kind().is_searched(None),
    }
}

/// What can stand after a field.
fn signs(field: &Field) -> String {
    let mut signs: Vec<&str> = field
        .kind()
        .comparators()
        .iter()
        .map(|sign| sign.sign())
        .collect();
    if is_searched(field) {
        signs.push(":");
    }
    if field.is_optional() {
        signs.push(":*");
    }
    format!("one of {} after {}", signs.join(" "), field.name())
}

/// No field holds control characters, and not every database takes them.
fn is_refused(letter: char) -> bool {
    letter.is_control() && !letter.is_whitespace()
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests;

//! The line format of `leads-svc qualify FILE.jsonl`: one conversation a line in, one finding a line out.

use std::fmt;

use jiff::{Timestamp, fmt::temporal::Pieces, tz::Offset};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::conversation::{Profile, Role, Turn};
use crate::domain::icp::IdealCustomer;

use super::evidence::{Conversation, Evidence, Quote};

/// Why a line cannot be judged; `Display` is a sentence for the person who wrote the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Path of the wrong field (`messages[3].role`); empty when the line is no JSON object.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "`{}`: {}", self.field, self.problem)
        }
    }
}

impl std::error::Error for LineError {}

/// One conversation of a file, checked; fields that it does not know are ignored.
#[derive(Debug, Clone)]
pub struct Line {
    id: String,
    captured_at: Timestamp,
    offset: Offset,
    icp: IdealCustomer,
    profile: OwnedProfile,
    messages: Vec<(Role, String)>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct OwnedProfile {
    name: Option<String>,
    email: Option<String>,
    company: Option<String>,
    title: Option<String>,
}

#[derive(Serialize)]
struct Output<'a> {
    id: &'a str,
    dimensions: Dimensions<'a>,
}

#[derive(Serialize)]
struct Dimensions<'a> {
    budget: Said<'a>,
    authority: Said<'a>,
    need: Said<'a>,
    timing: Said<'a>,
}

#[derive(Serialize)]
struct Said<'a> {
    level: &'static str,
    quote: Option<&'a str>,
    message: Option<usize>,
    reason: &'static str,
}

/// Judges one line: a JSON object in, a JSON object out (`id`, and by dimension `level`, `quote`, `message`, `reason`).
///
/// # Errors
/// The first field that is missing or wrong.
pub fn qualify_line(line: &str) -> Result<String, LineError> {
    let line = Line::parse(line)?;
    let evidence = line.qualify();
    let said = |level: &'static str, quote: Option<Quote>, reason: super::Reason| Said {
        level,
        quote: quote.and_then(|quote| line.text(quote)),
        message: quote.map(|quote| quote.message),
        reason: reason.key(),
    };
    let dimensions = Dimensions {
        budget: said(
            evidence.budget.level.key(),
            evidence.budget.quote,
            evidence.budget.reason,
        ),
        authority: said(
            evidence.authority.level.key(),
            evidence.authority.quote,
            evidence.authority.reason,
        ),
        need: said(
            evidence.need.level.key(),
            evidence.need.quote,
            evidence.need.reason,
        ),
        timing: said(
            evidence.timing.level.key(),
            evidence.timing.quote,
            evidence.timing.reason,
        ),
    };
    serde_json::to_string(&Output {
        id: &line.id,
        dimensions,
    })
    .map_err(|error| wrong("", format!("the answer cannot be written: {error}")))
}

impl Line {
    /// Reads and checks one line.
    ///
    /// # Errors
    /// The first field that is missing or wrong.
    pub fn parse(line: &str) -> Result<Self, LineError> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| wrong("", format!("the line is not valid JSON: {error}")))?;
        if !value.is_object() {
            return Err(wrong("", "the line is not a JSON object".to_owned()));
        }
        let (captured_at, offset) = captured_at(&value)?;
        Ok(Self {
            id: string(&value, "id")?,
            captured_at,
            offset,
            icp: typed(
                &value,
                "icp",
                "the ideal customer: {\"budget_min\": 5000, \"currency\": \"USD\", …}",
            )?,
            profile: typed::<Option<OwnedProfile>>(
                &value,
                "profile",
                "the contact form: {\"name\": …, \"title\": …}",
            )?
            .unwrap_or_default(),
            messages: messages(&value)?,
        })
    }

    /// Judges it.
    pub fn qualify(&self) -> Evidence {
        let turns: Vec<Turn<'_>> = self
            .messages
            .iter()
            .map(|(role, text)| Turn {
                role: *role,
                text: text.as_str(),
            })
            .collect();
        super::qualify(&Conversation {
            captured_at: self.captured_at,
            offset: self.offset,
            icp: &self.icp,
            profile: Profile {
                name: self.profile.name.as_deref(),
                email: self.profile.email.as_deref(),
                company: self.profile.company.as_deref(),
                title: self.profile.title.as_deref(),
            },
            turns: &turns,
        })
    }

    /// How many messages it has.
    pub fn turn_count(&self) -> usize {
        self.messages.len()
    }

    fn text(&self, quote: Quote) -> Option<&str> {
        self.messages.get(quote.message)?.1.get(quote.start..quote.end)
    }
}

fn wrong(field: impl Into<String>, problem: String) -> LineError {
    LineError {
        field: field.into(),
        problem,
    }
}

fn string(value: &Value, field: &str) -> Result<String, LineError> {
    match value.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(wrong(
            field,
            format!("must be a text in quotes, not {}", kind(other)),
        )),
        None => Err(wrong(field, "is missing".to_owned())),
    }
}

fn typed<T: for<'de> Deserialize<'de>>(value: &Value, field: &str, meaning: &str) -> Result<T, LineError> {
    let part = value.get(field).unwrap_or(&Value::Null);
    T::deserialize(part).map_err(|error| {
        let problem = if part.is_null() {
            "is missing".to_owned()
        } else {
            error.to_string()
        };
        wrong(field, format!("{problem}; it holds {meaning}"))
    })
}

fn captured_at(value: &Value) -> Result<(Timestamp, Offset), LineError> {
    let text = string(value, "captured_at")?;
    let bad = |error: jiff::Error| {
        wrong(
            "captured_at",
            format!("{text:?} is no RFC 3339 time such as 2025-03-04T15:22:10Z ({error})"),
        )
    };
    let timestamp: Timestamp = text.parse().map_err(bad)?;
    let pieces = Pieces::parse(&text).map_err(bad)?;
    Ok((timestamp, pieces.to_numeric_offset().unwrap_or(Offset::UTC)))
}

fn messages(value: &Value) -> Result<Vec<(Role, String)>, LineError> {
    let list = match value.get("messages") {
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong("messages", format!("must be a list, not {}", kind(other)))),
        None => return Err(wrong("messages", "is missing".to_owned())),
    };
    list.iter()
        .enumerate()
        .map(|(index, message)| {
            let at = |error: LineError| wrong(format!("messages[{index}].{}", error.field), error.problem);
            let role = match string(message, "role").map_err(at)?.as_str() {
                "visitor" => Role::Visitor,
                "bot" => Role::Bot,
                "agent" => Role::Agent,
                other => {
                    let problem = format!("{other:?} is none of visitor, bot, agent");
                    return Err(wrong(format!("messages[{index}].role"), problem));
                }
            };
            Ok((role, string(message, "text").map_err(at)?))
        })
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","channel":"widget","captured_at":"2025-03-04T23:30:00-05:00",
        "icp":{"budget_min":5000,"currency":"USD","product_terms":["chatbot"],"new":1},"profile":null,
        "messages":[{"role":"bot","text":"Budget?"},{"role":"visitor","text":"10k a year","at":3}],"expected":{}}"#;

    #[test]
    fn a_line_becomes_a_line() {
        let out: Value = serde_json::from_str(&qualify_line(GOOD).unwrap()).unwrap();
        assert_eq!(out["dimensions"]["budget"]["level"], "fits");
        assert_eq!(out["dimensions"]["budget"]["message"], 1);
        assert_eq!(out["dimensions"]["timing"]["quote"], Value::Null);
    }

    #[test]
    fn an_error_names_the_field_in_words() {
        for (from, to, field) in [
            ("\"visitor\"", "\"customer\"", "messages[1].role"),
            ("2025-03-04T23:30:00-05:00", "yesterday", "captured_at"),
            ("\"id\":\"a\"", "\"id\":7", "id"),
            ("\"messages\"", "\"turns\"", "messages"),
            ("\"icp\"", "\"ideal\"", "icp"),
            ("\"budget_min\":5000", "\"budget_min\":\"lots\"", "icp"),
        ] {
            let error = qualify_line(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert_eq!(error.field, field, "{error}");
        }
        assert_eq!(
            qualify_line("[1]").unwrap_err().to_string(),
            "the line is not a JSON object"
        );
    }
}

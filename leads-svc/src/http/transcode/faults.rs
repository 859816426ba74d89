//! Fields at fault in one request: the first hundred by name, the rest as a number.

use std::borrow::Cow;

use crate::{domain::violation::Violation, service::error::Error};

/// Violations that are kept; a body of megabytes can hold hundreds of thousands.
const MAX: usize = 100;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Faults {
    kept: Vec<Violation>,
    more: usize,
}

impl Faults {
    /// Notes a field at fault.
    pub fn add(&mut self, field: impl Into<String>, text: impl Into<Cow<'static, str>>) {
        if self.kept.len() < MAX {
            self.kept.push(Violation {
                field: field.into(),
                text: text.into(),
            });
        } else {
            self.more += 1;
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds the rules that the rest of the request breaks. What could not be read is told once: rules about it, about
    /// what is in it and about what it is in say nothing new. `body_field` is the request's field that the body stands
    /// for: paths in the body do not have it.
    pub fn add_rules(&mut self, rules: Vec<Violation>, body_field: Option<&str>) {
        let unread: Vec<String> = self.kept.iter().map(|fault| fault.field.clone()).collect();
        for rule in rules {
            let field = spelled(&rule.field, body_field);
            let is_new = unread
                .iter()
                .all(|path| path != BODY && !is_in(field, path) && !is_in(path, field));
            if is_new {
                self.add(rule.field, rule.text);
            }
        }
    }

    /// The refusal.
    pub fn into_error(self) -> Error {
        let mut error = Error::invalid(self.kept);
        if self.more > 0 {
            let all = error.fields.len() + self.more;
            error.text = format!("{all} fields are not valid, of which {MAX} are listed").into();
        }
        error
    }
}

/// Name of the body as a whole, where a part of it cannot be named.
pub const BODY: &str = "body";

/// A field's path as callers know it, without the field that the body stands for.
pub fn spelled<'a>(field: &'a str, body_field: Option<&str>) -> &'a str {
    body_field
        .and_then(|body_field| field.strip_prefix(body_field)?.strip_prefix('.'))
        .unwrap_or(field)
}

fn is_in(path: &str, other: &str) -> bool {
    path.strip_prefix(other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_faults_is_counted_and_not_kept() {
        let mut faults = Faults::default();
        for index in 0..1000 {
            faults.add(format!("f{index}"), "there is no such field");
        }
        let error = faults.into_error();
        assert_eq!(error.fields.len(), 100);
        assert_eq!(error.text, "1000 fields are not valid, of which 100 are listed");
    }

    #[test]
    fn parts_of_the_body_lose_the_name_of_the_body() {
        assert_eq!(spelled("lead.stage", Some("lead")), "stage");
        assert_eq!(spelled("leader.stage", Some("lead")), "leader.stage");
        assert_eq!(spelled("lead.stage", None), "lead.stage");
    }

    #[test]
    fn what_could_not_be_read_is_told_once() {
        let mut faults = Faults::default();
        for field in ["stage", "contact.email", "messages[1]", "tags[1]"] {
            faults.add(field, "must be a text");
        }
        let rules = [
            "lead.stage",
            "contact",
            "messages[1].role",
            "messages[10].role",
            "messages",
            "tags[1]",
            "tags[0]",
            "contact.e",
        ];
        let rules = rules.map(|field| Violation {
            field: field.to_owned(),
            text: "is required".into(),
        });
        faults.add_rules(rules.into(), Some("lead"));
        let fields: Vec<String> = faults.kept.into_iter().skip(4).map(|rule| rule.field).collect();
        assert_eq!(fields, ["messages[10].role", "tags[0]", "contact.e"]);
    }
}

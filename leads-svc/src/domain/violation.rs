//! One broken rule of an input; inputs are checked whole, so that a caller sees every violation at once.

use std::borrow::Cow;

/// A field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field as the caller spelled it, such as `messages[3].text`.
    pub field: String,
    /// What is wrong and what is expected.
    pub text: Cow<'static, str>,
}

/// Violations found so far in one input.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes a violation.
    pub fn add(&mut self, field: impl Into<String>, text: impl Into<Cow<'static, str>>) {
        self.0.push(Violation {
            field: field.into(),
            text: text.into(),
        });
    }

    /// Takes over what a part of the input found, below `prefix`.
    pub fn add_below(&mut self, prefix: &str, part: Violations) {
        self.0.extend(part.0.into_iter().map(|violation| Violation {
            field: format!("{prefix}.{}", violation.field),
            text: violation.text,
        }));
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value if nothing was found.
    ///
    /// # Errors
    /// The violations.
    pub fn into_result<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }

    /// The violations, in the order of their discovery.
    pub fn into_vec(self) -> Vec<Violation> {
        self.0
    }
}

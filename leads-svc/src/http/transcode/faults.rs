//! Fields at fault in one request: the first hundred by name, the rest as a number.

use std::borrow::Cow;

use crate::{
    domain::violation::Violation,
    service::error::{Error, Result},
};

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

    /// The value if nothing was found.
    ///
    /// # Errors
    /// `INVALID_FIELDS`.
    pub fn into_result<T>(mut self, value: T) -> Result<T> {
        if self.kept.is_empty() {
            return Ok(value);
        }
        if self.more > 0 {
            let text = format!("and {} more violations", self.more).into();
            self.kept.push(Violation {
                field: String::new(),
                text,
            });
        }
        Err(Error::invalid(self.kept))
    }
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
        let error = faults.into_result(()).unwrap_err();
        assert_eq!(error.fields.len(), 101);
        assert_eq!(error.fields[100].text, "and 900 more violations");
    }
}

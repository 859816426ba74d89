//! One refusal, understood.

use super::{Kind, Mark, TABLE};
use crate::api::{ErrorItem, RowError};
use crate::map::{KEY_FIELD, REVISION_FIELD};

/// A refusal of a request or of one of its records.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What it means.
    pub kind: Kind,
    /// Salesforce's code, or the status where there is none.
    pub vendor_code: String,
    /// Salesforce's words; may hold personal data.
    pub message: String,
    /// Field at fault; may be empty.
    pub field: String,
}

/// What the table is asked about.
struct Facts<'a> {
    status: Option<u16>,
    is_page: bool,
    code: &'a str,
    message: String,
    fields: &'a [String],
}

impl Fault {
    /// Understands the refusal of a whole request.
    pub fn of_call(status: u16, body: &[u8]) -> Self {
        let item = ErrorItem::parse(body);
        let is_page = item.is_none();
        let item = item.unwrap_or_default();
        let facts = Facts {
            status: Some(status),
            is_page,
            code: &item.error_code,
            message: item.message.to_lowercase(),
            fields: &item.fields,
        };
        let message = match (is_page, item.message.is_empty()) {
            (true, _) => format!("Salesforce answered {status} with a page instead of JSON."),
            (false, true) => format!("Salesforce answered {status}."),
            (false, false) => item.message.clone(),
        };
        let code = Some(item.error_code.clone()).filter(|code| !code.is_empty());
        Self {
            kind: facts.kind(),
            vendor_code: code.unwrap_or_else(|| status.to_string()),
            message,
            field: item.fields.first().cloned().unwrap_or_default(),
        }
    }

    /// Understands the refusal of one record.
    pub fn of_row(error: &RowError) -> Self {
        let facts = Facts {
            status: None,
            is_page: false,
            code: &error.status_code,
            message: error.message.to_lowercase(),
            fields: &error.fields,
        };
        Self {
            kind: facts.kind(),
            vendor_code: error.status_code.clone(),
            message: error.message.clone(),
            field: error.fields.first().cloned().unwrap_or_default(),
        }
    }

    /// The same, where a resource that is not there can only be our key's field.
    #[must_use]
    pub fn of_key(self) -> Self {
        match self.vendor_code == "NOT_FOUND" && self.kind == Kind::WrongPath {
            true => Self {
                kind: Kind::KeyField,
                ..self
            },
            false => self,
        }
    }
}

impl Facts<'_> {
    fn kind(&self) -> Kind {
        let found = TABLE.iter().find(|row| self.bears(row.mark)).map(|row| row.kind);
        found.unwrap_or(Kind::Refused)
    }

    fn bears(&self, mark: Mark) -> bool {
        match mark {
            Mark::Code(code) => self.code == code,
            Mark::Begins(start) => self.code.starts_with(start),
            Mark::CodeSaying(code, piece) => self.code == code && self.message.contains(piece),
            Mark::CodeOfKey(code) => self.code == code && self.is_about_key(),
            Mark::Saying(piece) => self.message.contains(piece),
            Mark::Status(status) => self.status == Some(status),
            Mark::Statuses(from, to) => self.status.is_some_and(|status| (from..=to).contains(&status)),
            Mark::Page(status) => self.is_page && self.status == Some(status),
        }
    }

    /// Salesforce names the field in its text at least.
    fn is_about_key(&self) -> bool {
        [KEY_FIELD, REVISION_FIELD].iter().any(|name| {
            let lower = name.to_lowercase();
            self.fields.iter().any(|field| field.eq_ignore_ascii_case(name)) || self.message.contains(&lower)
        })
    }
}

/// Which row takes a refusal.
#[cfg(test)]
pub(super) fn position(status: Option<u16>, body: &[u8]) -> Option<usize> {
    let item = ErrorItem::parse(body);
    let is_page = item.is_none();
    let item = item.unwrap_or_default();
    let facts = Facts {
        status,
        is_page,
        code: &item.error_code,
        message: item.message.to_lowercase(),
        fields: &item.fields,
    };
    TABLE.iter().position(|row| facts.bears(row.mark))
}

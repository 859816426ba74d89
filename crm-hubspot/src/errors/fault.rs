//! One refusal, understood.

use std::time::Duration;

use super::{Kind, Mark, Row, TABLE};
use crate::api::{ErrorBody, ErrorDetail};
use crate::map::{KEY_PROPERTY, REVISION_PROPERTY};

/// A refusal of a call or of one of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What it means.
    pub kind: Kind,
    /// HubSpot's code, category or status: the finest that it said.
    pub vendor_code: String,
    /// HubSpot's words; may hold personal data.
    pub message: String,
    /// Property at fault; may be empty.
    pub property: String,
    /// Scopes of which any one would do; empty unless the kind is [`Kind::Scope`].
    pub scopes: Vec<String>,
    /// HubSpot's wish for a pause.
    pub retry_after: Option<Duration>,
}

/// What the table is asked about.
struct Facts<'a> {
    status: u16,
    body: Option<&'a ErrorBody>,
    details: Vec<ErrorDetail>,
}

impl Fault {
    /// Understands the refusal of a whole call.
    pub fn of_call(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        Self {
            retry_after,
            ..Self::new(status, ErrorBody::parse(body).as_ref())
        }
    }

    /// The contact that a conflict is with, which HubSpot says in its text alone.
    pub fn existing_id(&self) -> Option<&str> {
        let (_, rest) = self.message.split_once("Existing ID:")?;
        let id = rest.trim_start();
        let end = id.find(|c: char| !c.is_ascii_digit()).unwrap_or(id.len());
        id.get(..end).filter(|id| !id.is_empty())
    }

    /// Understands an error row of a 207, which has no status of its own.
    pub fn of_row(error: &ErrorBody) -> Self {
        let status = match error.category.as_str() {
            "CONFLICT" | "OBJECT_ALREADY_EXISTS" => 409,
            "OBJECT_NOT_FOUND" => 404,
            "MISSING_SCOPES" => 403,
            "RATE_LIMITS" => 429,
            "INTERNAL_ERROR" | "SERVICE_UNAVAILABLE" => 503,
            _ if error.message.to_lowercase().contains("already exists") => 409,
            _ => 400,
        };
        Self::new(status, Some(error))
    }

    fn new(status: u16, body: Option<&ErrorBody>) -> Self {
        let facts = Facts {
            status,
            body,
            details: body.map(ErrorBody::details).unwrap_or_default(),
        };
        let kind = TABLE
            .iter()
            .find(|row| facts.fits(row))
            .map_or(Kind::Unavailable, |row| row.kind);
        let detail = facts
            .details
            .iter()
            .find(|detail| detail.property().is_some())
            .or(facts.details.first());
        Self {
            kind,
            vendor_code: facts.code(detail),
            message: facts.words(detail),
            property: detail
                .and_then(ErrorDetail::property)
                .unwrap_or_default()
                .to_owned(),
            scopes: match (kind, body) {
                (Kind::Scope, Some(body)) => body
                    .facts("requiredGranularScopes")
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                _ => Vec::new(),
            },
            retry_after: None,
        }
    }
}

impl Facts<'_> {
    fn fits(&self, row: &Row) -> bool {
        (row.from..=row.to).contains(&self.status) && self.bears(row.mark)
    }

    fn bears(&self, mark: Mark) -> bool {
        let Some(body) = self.body else {
            return matches!(mark, Mark::Any | Mark::Page);
        };
        let coded = |code: &'static str| self.details.iter().filter(move |detail| detail.code == code);
        match mark {
            Mark::Any => true,
            Mark::Page => false,
            Mark::Category(category) => body.category == category,
            Mark::Code(code) => body.code == code || body.category == code || coded(code).next().is_some(),
            Mark::CodeOfKey(code) => coded(code).any(|detail| {
                detail
                    .property()
                    .is_some_and(|it| it == KEY_PROPERTY || it == REVISION_PROPERTY)
            }),
            Mark::Policy(policy) => body.policy_name == policy,
            Mark::Message(piece) => body.message.to_lowercase().contains(piece),
        }
    }

    fn code(&self, detail: Option<&ErrorDetail>) -> String {
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        detail
            .and_then(|detail| said(&detail.code))
            .or_else(|| said(&self.body?.policy_name))
            .or_else(|| said(&self.body?.category))
            .unwrap_or_else(|| self.status.to_string())
    }

    /// The detail's words where there are any: the message around them is JSON.
    fn words(&self, detail: Option<&ErrorDetail>) -> String {
        let detail = detail
            .map(|detail| detail.message.as_str())
            .filter(|text| !text.is_empty());
        let whole = self
            .body
            .map(|body| body.message.as_str())
            .filter(|text| !text.is_empty());
        match detail.or(whole) {
            Some(text) => text.to_owned(),
            None if self.body.is_none() => {
                format!("HubSpot answered {} with a page instead of JSON.", self.status)
            }
            None => format!("HubSpot answered {}.", self.status),
        }
    }
}

/// Which row takes a refusal.
#[cfg(test)]
pub(super) fn position(status: u16, body: &[u8]) -> Option<usize> {
    let body = ErrorBody::parse(body);
    let facts = Facts {
        status,
        body: body.as_ref(),
        details: body.as_ref().map(ErrorBody::details).unwrap_or_default(),
    };
    TABLE.iter().position(|row| facts.fits(row))
}

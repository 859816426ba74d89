//! Refusals as Salesforce words them: an array for a request, an object at the token endpoint, rows in Collections.

use serde_json::{Value, json};

/// Why a record was refused. Within Collections its code is called `statusCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowError {
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
}

/// Why a request was refused. Its code is called `errorCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

impl RowError {
    pub(super) fn new(code: &str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }

    /// As an item of a Collections answer.
    pub(super) fn row(&self) -> Value {
        json!({"success": false, "errors": [
            {"statusCode": self.code, "message": self.message, "fields": self.fields}
        ]})
    }

    /// As the answer to a request about one record.
    pub(super) fn body(&self) -> Value {
        json!([{"message": self.message, "errorCode": self.code, "fields": self.fields}])
    }
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// The session is unknown, expired or revoked.
    pub(super) fn session() -> Self {
        Self::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// The org's calls of 24 hours are used up.
    pub(super) fn daily_limit() -> Self {
        Self::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    }

    /// Too many long requests run.
    pub(super) fn concurrent_limit() -> Self {
        Self::new(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded.",
        )
    }

    /// Nothing is there.
    pub(super) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// The body or the query cannot be read.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, "JSON_PARSER_ERROR", message)
    }

    pub(super) fn body(&self) -> Value {
        json!([{"message": self.message, "errorCode": self.code}])
    }
}

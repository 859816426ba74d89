//! The only error that the edges see: a reason from the closed list, a text for the caller, a source for the log.

use std::{borrow::Cow, time::Duration};

use leads_proto::reason::Reason;

use crate::{domain::violation::Violation, storage};

/// Result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a use case refused or failed.
#[derive(Debug, thiserror::Error)]
#[error("{reason}: {text}")]
pub struct Error {
    /// Machine-readable cause.
    pub reason: Reason,
    /// What the caller reads. Holds no internals and no personal data.
    pub text: Cow<'static, str>,
    /// Every field at fault.
    pub fields: Vec<Violation>,
    /// When a repeat makes sense.
    pub retry_after: Option<Duration>,
    /// Facts that a program may act on, such as the missing `scope`.
    pub metadata: Vec<(&'static str, String)>,
    /// What happened inside; logged once, never sent.
    #[source]
    pub source: Option<Source>,
}

impl Error {
    /// An error with a reason and a text.
    pub fn new(reason: Reason, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            text: text.into(),
            fields: Vec::new(),
            retry_after: None,
            metadata: Vec::new(),
            source: None,
        }
    }

    /// Fields break rules.
    pub fn invalid(fields: Vec<Violation>) -> Self {
        let text = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.text),
            many => format!("{} fields are not valid", many.len()),
        };
        Self {
            fields,
            ..Self::new(Reason::InvalidFields, text)
        }
    }

    /// One field breaks a rule.
    pub fn invalid_field(field: impl Into<String>, text: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![Violation {
            field: field.into(),
            text: text.into(),
        }])
    }

    /// The workspace has no such resource; `what` is its kind, such as `lead`.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Reason::NotFound, format!("the workspace has no such {what}")).with("resource", what)
    }

    /// Our fault.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Reason::Internal,
                "something went wrong on our side; the trace id finds it in our logs",
            )
        }
    }

    /// The same error with a delay after which a repeat makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The same error with a fact that a program may act on.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// The same error with what happened inside.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Conflict { .. } | storage::Error::Serialization(_) => Self::new(
                Reason::Conflict,
                "too many calls changed the same rows at once; repeat the call",
            )
            .retry_after(Duration::from_millis(200))
            .because(error),
            storage::Error::Unavailable(_) | storage::Error::Timeout(_) => Self::new(
                Reason::StorageUnavailable,
                "the database cannot be reached; repeat the call with the same request id",
            )
            .retry_after(Duration::from_secs(1))
            .because(error),
            storage::Error::Inconsistent { .. } | storage::Error::Statement(_) => Self::internal(error),
        }
    }
}

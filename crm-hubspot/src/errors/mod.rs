//! HubSpot's refusals to outcomes: one table, read from the top, the first row that fits decides.
//!
//! Sources of the rows: HubSpot's error-handling and usage-guideline pages, and recordings of its answers. Every
//! member of an error may be missing and a refusal may be a page, so the last row of each status takes what is left.

mod fault;
mod outcome;

pub use fault::Fault;
pub use outcome::{lost, missing_scopes, no_token, not_sent};

use Kind as K;

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A value that its property does not take.
    Validation,
    /// A property that the account lacks.
    MissingProperty,
    /// A property that cannot be written.
    ReadOnlyProperty,
    /// A property that the account's admin made mandatory.
    RequiredProperty,
    /// Our key's property is missing, or not unique: nothing can be written to this account.
    KeyProperty,
    /// Another contact has the address, or our key.
    Conflict,
    /// The record is not there.
    RecordGone,
    /// The request is too large.
    TooLarge,
    /// Any other refusal of a request that we sent on purpose.
    Refused,
    /// The credential is unknown, expired or revoked.
    Credentials,
    /// The credential lacks a scope.
    Scope,
    /// The account may not do this, and no scope is named.
    Forbidden,
    /// Nothing answers there, or not the API: a setting of this process is wrong.
    WrongPath,
    /// Records are locked by another write; locks last 2 s.
    Locked,
    /// The burst is used up.
    BurstLimit,
    /// One second's calls are used up.
    SecondLimit,
    /// The day is used up.
    DailyLimit,
    /// The account is moving to another data centre, for up to 24 hours.
    Migration,
    /// A gateway gave up waiting: the call may still take effect.
    GatewayTimeout,
    /// HubSpot cannot be reached or has an error of its own.
    Unavailable,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// One row's: the others may pass without it.
    Row,
    /// Nobody's: the whole call has to be repeated later.
    Call,
    /// The connection's: no call will pass before something changes.
    Connection,
}

impl Kind {
    /// Whether HubSpot looked at the rows: credential and scopes were accepted.
    pub const fn is_about_rows(self) -> bool {
        matches!(self.reach(), Reach::Row) || matches!(self, K::KeyProperty)
    }

    /// Whose fault it is.
    pub const fn reach(self) -> Reach {
        match self {
            K::Validation
            | K::MissingProperty
            | K::ReadOnlyProperty
            | K::RequiredProperty
            | K::Conflict
            | K::RecordGone
            | K::TooLarge
            | K::Refused => Reach::Row,
            K::WrongPath
            | K::Locked
            | K::BurstLimit
            | K::SecondLimit
            | K::GatewayTimeout
            | K::Unavailable => Reach::Call,
            K::KeyProperty | K::Credentials | K::Scope | K::Forbidden | K::DailyLimit | K::Migration => {
                Reach::Connection
            }
        }
    }
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    from: u16,
    to: u16,
    mark: Mark,
    kind: Kind,
}

/// What a refusal says beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Anything.
    Any,
    /// `category` of the error.
    Category(&'static str),
    /// `code` of the error or of any detail.
    Code(&'static str),
    /// A code, of the property that is our key or our revision.
    CodeOfKey(&'static str),
    /// `policyName` of a 429.
    Policy(&'static str),
    /// A piece of the message, in lower case.
    Message(&'static str),
    /// The body is no JSON.
    Page,
}

const fn row(status: u16, mark: Mark, kind: Kind) -> Row {
    Row {
        from: status,
        to: status,
        mark,
        kind,
    }
}

const fn rows(from: u16, to: u16, mark: Mark, kind: Kind) -> Row {
    Row { from, to, mark, kind }
}

/// Errors of single rows of a 207 have no status of their own; `fault` gives them the one of their category.
const TABLE: &[Row] = &[
    row(400, Mark::CodeOfKey("PROPERTY_DOESNT_EXIST"), K::KeyProperty),
    row(400, Mark::Message("by non-unique"), K::KeyProperty),
    row(400, Mark::Message("unable to infer object type"), K::WrongPath),
    row(400, Mark::Code("PROPERTY_DOESNT_EXIST"), K::MissingProperty),
    row(400, Mark::Code("READ_ONLY_VALUE"), K::ReadOnlyProperty),
    row(400, Mark::Code("READ_ONLY_PROPERTY"), K::ReadOnlyProperty),
    row(400, Mark::Code("MISSING_REQUIRED_PROPERTY"), K::RequiredProperty),
    row(
        400,
        Mark::Code("MISSING_CONDITIONAL_REQUIRED_PROPERTY"),
        K::RequiredProperty,
    ),
    row(400, Mark::Code("CONFLICTING_UNIQUE_VALUE"), K::Conflict),
    row(400, Mark::Message("already has that value"), K::Conflict),
    row(400, Mark::Category("VALIDATION_ERROR"), K::Validation),
    row(400, Mark::Page, K::WrongPath),
    row(400, Mark::Any, K::Refused),
    row(401, Mark::Any, K::Credentials),
    row(403, Mark::Category("MISSING_SCOPES"), K::Scope),
    row(403, Mark::Page, K::Unavailable),
    row(403, Mark::Any, K::Forbidden),
    row(404, Mark::Category("OBJECT_NOT_FOUND"), K::RecordGone),
    row(404, Mark::Any, K::WrongPath),
    rows(405, 406, Mark::Any, K::WrongPath),
    row(407, Mark::Any, K::Unavailable),
    row(408, Mark::Any, K::GatewayTimeout),
    row(409, Mark::Any, K::Conflict),
    row(413, Mark::Any, K::TooLarge),
    row(414, Mark::Any, K::TooLarge),
    row(415, Mark::Any, K::WrongPath),
    row(423, Mark::Any, K::Locked),
    row(425, Mark::Any, K::Unavailable),
    row(429, Mark::Policy("DAILY"), K::DailyLimit),
    row(429, Mark::Message("daily limit"), K::DailyLimit),
    row(429, Mark::Policy("SECONDLY"), K::SecondLimit),
    row(429, Mark::Message("your secondly limit"), K::SecondLimit),
    row(429, Mark::Any, K::BurstLimit),
    row(477, Mark::Any, K::Migration),
    rows(402, 499, Mark::Page, K::Unavailable),
    rows(402, 499, Mark::Any, K::Refused),
    row(504, Mark::Any, K::GatewayTimeout),
    row(524, Mark::Any, K::GatewayTimeout),
    rows(500, 599, Mark::Any, K::Unavailable),
    rows(300, 399, Mark::Any, K::WrongPath),
    rows(0, u16::MAX, Mark::Any, K::Unavailable),
];

#[cfg(test)]
mod tests;

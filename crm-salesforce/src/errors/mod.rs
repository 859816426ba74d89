//! Salesforce's refusals to outcomes: one table, read from the top, the first row that fits decides.
//!
//! Sources of the rows: Salesforce's lists of status codes and of REST errors. The same codes come with a request, where
//! the status says more, and with single records, which have none.

mod fault;
mod outcome;

pub use fault::Fault;
pub use outcome::{lost, no_credentials, not_sent, of_task};

use Kind as K;

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A value that its field or a rule of the org's does not take.
    Validation,
    /// A field that the org lacks, or that the user may not see.
    MissingField,
    /// A field that the user may not write.
    ReadOnlyField,
    /// A field that records need a value of.
    RequiredField,
    /// Our key's field is missing, or no external id: nothing can be written to this org.
    KeyField,
    /// Another record has the value; also the loser of two upserts of one new key.
    DuplicateValue,
    /// A duplicate rule of the org's refuses the lead.
    Duplicates,
    /// Sales made a contact of the lead, which takes no writes any more.
    Converted,
    /// The record is in the recycle bin, or never was.
    RecordGone,
    /// Automation in the org refuses the record.
    Automation,
    /// The request is too large.
    TooLarge,
    /// Any other refusal of what we sent on purpose.
    Refused,
    /// The session has ended.
    Session,
    /// The user may not do this.
    Forbidden,
    /// Nothing answers there: the version is retired, or a setting of this process is wrong.
    WrongPath,
    /// Another write holds the record.
    Locked,
    /// Too many long calls run.
    ConcurrentLimit,
    /// The calls of 24 hours are used up.
    DailyLimit,
    /// The org has no room for more records.
    Storage,
    /// A gateway gave up waiting: the call may still take effect.
    GatewayTimeout,
    /// Salesforce cannot be reached, rests, or has an error of its own.
    Unavailable,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// One record's: the others may pass without it.
    Row,
    /// Nobody's: the whole call has to be repeated later.
    Call,
    /// The connection's: no call will pass before something changes.
    Connection,
}

impl Kind {
    /// Whose fault it is.
    pub const fn reach(self) -> Reach {
        match self {
            K::Validation
            | K::RequiredField
            | K::DuplicateValue
            | K::Duplicates
            | K::Converted
            | K::RecordGone
            | K::Automation
            | K::TooLarge
            | K::Refused => Reach::Row,
            K::WrongPath | K::Locked | K::ConcurrentLimit | K::GatewayTimeout | K::Unavailable => Reach::Call,
            // All leads have the same fields: what one may not write, none may.
            K::MissingField
            | K::ReadOnlyField
            | K::KeyField
            | K::Session
            | K::Forbidden
            | K::DailyLimit
            | K::Storage => Reach::Connection,
        }
    }
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    mark: Mark,
    kind: Kind,
}

/// What a refusal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Its code.
    Code(&'static str),
    /// How its code begins.
    Begins(&'static str),
    /// Its code, and a piece of the message in lower case.
    CodeSaying(&'static str, &'static str),
    /// Its code, of the field that is our key or our revision.
    CodeOfKey(&'static str),
    /// A piece of the message, in lower case.
    Saying(&'static str),
    /// The status of a request.
    Status(u16),
    /// The same, from and to.
    Statuses(u16, u16),
    /// The status of a request whose body is none of Salesforce's.
    Page(u16),
}

const fn row(mark: Mark, kind: Kind) -> Row {
    Row { mark, kind }
}

const TABLE: &[Row] = &[
    row(
        Mark::CodeSaying("REQUEST_LIMIT_EXCEEDED", "concurrent"),
        K::ConcurrentLimit,
    ),
    row(Mark::Code("REQUEST_LIMIT_EXCEEDED"), K::DailyLimit),
    row(Mark::Code("INVALID_SESSION_ID"), K::Session),
    row(Mark::Code("INVALID_AUTH_HEADER"), K::Session),
    row(Mark::Code("UNABLE_TO_LOCK_ROW"), K::Locked),
    // Triggers wrap the lock's error in their own.
    row(Mark::Saying("unable_to_lock_row"), K::Locked),
    row(Mark::Code("CANNOT_UPDATE_CONVERTED_LEAD"), K::Converted),
    row(Mark::Saying("converted lead"), K::Converted),
    row(Mark::Code("DUPLICATES_DETECTED"), K::Duplicates),
    row(Mark::Code("DUPLICATE_VALUE"), K::DuplicateValue),
    row(Mark::Code("DUPLICATE_EXTERNAL_ID"), K::DuplicateValue),
    row(Mark::Code("ENTITY_IS_DELETED"), K::RecordGone),
    row(Mark::Code("INVALID_CROSS_REFERENCE_KEY"), K::RecordGone),
    row(Mark::Code("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), K::Automation),
    row(Mark::Code("APEX_ERROR"), K::Automation),
    row(Mark::CodeOfKey("INVALID_FIELD"), K::KeyField),
    row(Mark::CodeOfKey("INVALID_FIELD_FOR_INSERT_UPDATE"), K::KeyField),
    row(Mark::CodeSaying("NOT_FOUND", "external id"), K::KeyField),
    row(Mark::Code("INVALID_FIELD"), K::MissingField),
    row(Mark::Code("INVALID_FIELD_FOR_INSERT_UPDATE"), K::ReadOnlyField),
    row(Mark::Code("REQUIRED_FIELD_MISSING"), K::RequiredField),
    row(Mark::Code("FIELD_CUSTOM_VALIDATION_EXCEPTION"), K::Validation),
    row(Mark::Code("STRING_TOO_LONG"), K::Validation),
    row(Mark::Code("INVALID_EMAIL_ADDRESS"), K::Validation),
    row(Mark::Code("INVALID_TYPE_ON_FIELD_IN_RECORD"), K::Validation),
    row(Mark::Code("NUMBER_OUTSIDE_VALID_RANGE"), K::Validation),
    row(
        Mark::Code("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        K::Validation,
    ),
    row(Mark::Code("FIELD_INTEGRITY_EXCEPTION"), K::Validation),
    row(Mark::Code("FIELD_FILTER_VALIDATION_EXCEPTION"), K::Validation),
    row(Mark::Code("MALFORMED_ID"), K::Validation),
    row(Mark::Code("STORAGE_LIMIT_EXCEEDED"), K::Storage),
    row(Mark::Code("SERVER_UNAVAILABLE"), K::Unavailable),
    row(Mark::Code("UNKNOWN_EXCEPTION"), K::Unavailable),
    row(Mark::Code("QUERY_TIMEOUT"), K::Unavailable),
    row(Mark::Code("TXN_SECURITY_METERING_ERROR"), K::Unavailable),
    row(Mark::Begins("INSUFFICIENT_ACCESS"), K::Forbidden),
    row(Mark::Code("API_DISABLED_FOR_ORG"), K::Forbidden),
    row(Mark::Code("API_CURRENTLY_DISABLED"), K::Forbidden),
    row(Mark::Code("OPERATION_TOO_LARGE"), K::TooLarge),
    row(Mark::Status(401), K::Session),
    row(Mark::Page(403), K::Unavailable),
    row(Mark::Status(403), K::Forbidden),
    row(Mark::Status(404), K::WrongPath),
    row(Mark::Status(405), K::WrongPath),
    // Maintenance, so it was seen.
    row(Mark::Status(406), K::Unavailable),
    row(Mark::Status(408), K::GatewayTimeout),
    row(Mark::Status(410), K::WrongPath),
    row(Mark::Status(413), K::TooLarge),
    row(Mark::Status(414), K::TooLarge),
    row(Mark::Status(415), K::WrongPath),
    row(Mark::Status(420), K::Unavailable),
    row(Mark::Status(425), K::Unavailable),
    row(Mark::Status(429), K::Unavailable),
    row(Mark::Status(431), K::TooLarge),
    row(Mark::Status(504), K::GatewayTimeout),
    row(Mark::Statuses(500, 599), K::Unavailable),
    row(Mark::Page(400), K::WrongPath),
    row(Mark::Statuses(300, 399), K::WrongPath),
];

#[cfg(test)]
mod tests;

//! Faults and transport failures as the outcomes that leads-svc records.

use std::time::Duration;

use leads_proto::leads::v1::SyncReason;
use leads_runtime::delivery::{Outcome, TaskOutcome};

use super::{Fault, Kind as K};

/// Salesforce's window rolls: some calls come back within the hour.
const DAILY_PAUSE: Duration = Duration::from_secs(3600);
/// Long calls end within minutes; most do at once.
const CONCURRENT_PAUSE: Duration = Duration::from_secs(5);
const STORAGE_PAUSE: Duration = Duration::from_secs(3600);
const CREDENTIALS_HINT: &str = "Check the app in Salesforce (Setup > External Client App Manager): its keys, its flow, the user that it runs as. \
     Then connect again.";

impl Fault {
    /// What becomes of a lead that met this fault.
    pub fn outcome(&self) -> Outcome {
        match self.kind {
            K::Validation => self.rejected("VALIDATION", "Correct the value; the lead is sent again when it changes."),
            K::RequiredField => self.rejected(
                "MISSING_REQUIRED_FIELD",
                "A field is mandatory in Salesforce that Leads does not write: give it a default there, or lift the rule.",
            ),
            K::DuplicateValue => self.rejected(
                "DUPLICATE_VALUE",
                "Another record in Salesforce has a value that must be unique: merge the two there, then sync the lead again.",
            ),
            K::Duplicates => self.rejected(
                "DUPLICATES_DETECTED",
                "A duplicate rule in Salesforce blocks this lead: merge the records there, or let the rule allow and report, \
                 then sync the lead again.",
            ),
            K::Converted => self.rejected(
                "CONVERTED",
                "The lead is a contact in Salesforce by now, and takes no more writes there.",
            ),
            K::Automation => self.rejected(
                "AUTOMATION",
                "A trigger or a flow in Salesforce refuses the record: see its message, then sync the lead again.",
            ),
            K::TooLarge => self.rejected("TOO_LARGE", "Shorten the lead's fields."),
            K::Refused => {
                self.rejected("VENDOR_REFUSED", "See Salesforce's message; sync again once it is dealt with.")
            }
            K::RecordGone => self.retry("RECORD_GONE", None),
            K::WrongPath => self.retry("WRONG_PATH", None),
            K::Locked => self.retry("LOCKED", None),
            K::ConcurrentLimit => self.retry("RATE_LIMITED", Some(CONCURRENT_PAUSE)),
            K::Unavailable => self.retry("UNAVAILABLE", None),
            K::GatewayTimeout => lost(format!("a gateway of Salesforce gave up ({})", self.vendor_code)),
            K::MissingField
            | K::ReadOnlyField
            | K::KeyField
            | K::Session
            | K::Forbidden
            | K::DailyLimit
            | K::Storage => Outcome::Paused {
                for_: self.pause(),
                reason: self.reason(),
            },
        }
    }

    /// What a person is told, and can do.
    pub fn reason(&self) -> SyncReason {
        let (code, hint) = match self.kind {
            K::MissingField | K::ReadOnlyField | K::KeyField => (
                "FIELDS",
                "Connect again: that names every field of Lead which is missing or may not be written, and how to create it.",
            ),
            K::Session => ("CREDENTIALS", CREDENTIALS_HINT),
            K::Forbidden => (
                "FORBIDDEN",
                "Give the user that the app runs as the right to read, create and edit leads, then connect again.",
            ),
            K::DailyLimit => (
                "DAILY_LIMIT",
                "The org's API calls of the last 24 hours are used up, by all of its apps together. Syncing goes on by \
                 itself within the hour.",
            ),
            K::Storage => (
                "STORAGE",
                "The org has no room for more records. Syncing is tried again every hour.",
            ),
            _ => ("VENDOR_ERROR", "Try again later."),
        };
        SyncReason {
            code: code.to_owned(),
            message: self.message.clone(),
            field: self.field.clone(),
            hint: hint.to_owned(),
        }
    }

    /// How long the connection rests; `None` until a person acts.
    pub fn pause(&self) -> Option<Duration> {
        match self.kind {
            K::DailyLimit => Some(DAILY_PAUSE),
            K::Storage => Some(STORAGE_PAUSE),
            _ => None,
        }
    }

    fn retry(&self, class: &'static str, after: Option<Duration>) -> Outcome {
        Outcome::Retry {
            class,
            after,
            code: self.vendor_code.clone(),
            message: self.message.clone(),
        }
    }

    fn rejected(&self, code: &'static str, hint: &str) -> Outcome {
        Outcome::Rejected {
            code,
            message: self.message.clone(),
            field: self.field.clone(),
            hint: hint.to_owned(),
            vendor_code: self.vendor_code.clone(),
        }
    }
}

/// What becomes of a connection task whose call came to this.
pub fn of_task(outcome: Outcome) -> TaskOutcome {
    match outcome {
        Outcome::Retry {
            class,
            after,
            code,
            message,
        } => TaskOutcome::Retry {
            class,
            after,
            code,
            message,
        },
        Outcome::Paused { for_: None, reason } => TaskOutcome::Failed(reason),
        Outcome::Paused { for_, reason } => TaskOutcome::Retry {
            class: "UNAVAILABLE",
            after: for_,
            code: reason.code,
            message: reason.message,
        },
        Outcome::Rejected {
            code,
            message,
            field,
            hint,
            ..
        } => TaskOutcome::Failed(SyncReason {
            code: code.to_owned(),
            message,
            field,
            hint,
        }),
        Outcome::NotStarted => TaskOutcome::Retry {
            class: "RATE_LIMITED",
            after: None,
            code: String::new(),
            message: "no time or no quota was left to ask Salesforce".to_owned(),
        },
        Outcome::Unknown { why } => TaskOutcome::Retry {
            class: "UNAVAILABLE",
            after: None,
            code: String::new(),
            message: why,
        },
        Outcome::Delivered { .. } | Outcome::Gone { .. } | Outcome::Verified { .. } => TaskOutcome::Retry {
            class: "UNAVAILABLE",
            after: None,
            code: String::new(),
            message: "the check came to nothing".to_owned(),
        },
    }
}

/// The request left and no usable answer came.
pub fn lost(why: impl Into<String>) -> Outcome {
    Outcome::Unknown { why: why.into() }
}

/// The request did not leave, or changes nothing.
pub fn not_sent(class: &'static str, why: impl Into<String>) -> Outcome {
    Outcome::Retry {
        class,
        after: None,
        code: String::new(),
        message: why.into(),
    }
}

/// A connection whose credentials Salesforce, or this process, does not take.
pub fn no_credentials(message: impl Into<String>) -> Outcome {
    Outcome::Paused {
        for_: None,
        reason: SyncReason {
            code: "CREDENTIALS".to_owned(),
            message: message.into(),
            field: String::new(),
            hint: CREDENTIALS_HINT.to_owned(),
        },
    }
}

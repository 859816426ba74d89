//! Faults, transport failures and successes as the outcomes that leads-svc records.

use std::time::Duration;

use leads_proto::leads::v1::SyncReason;
use leads_runtime::delivery::{Outcome, TaskOutcome};

use super::{Fault, Kind as K};
use crate::limits::BURST_WINDOW;

/// HubSpot's locks last 2 s.
const LOCK: Duration = Duration::from_secs(2);
/// The day's start is not known here (it is the account's midnight), so it is looked for.
const DAILY_PAUSE: Duration = Duration::from_secs(3600);
const CREDENTIALS_HINT: &str =
    "Create a new access token in HubSpot (private app or service key) and connect again.";
/// When a moving account does not say how long.
const MIGRATION_PAUSE: Duration = Duration::from_secs(3600);

impl Fault {
    /// What becomes of a row that met this fault.
    pub fn outcome(&self) -> Outcome {
        match self.kind {
            K::Validation => self.rejected("VALIDATION", "Correct the value; the lead is sent again when it changes."),
            K::MissingProperty => self.rejected(
                "MISSING_PROPERTY",
                "Connect again, which creates the properties of Leads, or change the field mapping.",
            ),
            K::ReadOnlyProperty => {
                self.rejected("READ_ONLY_PROPERTY", "Map the field to a property that can be written.")
            }
            K::RequiredProperty => self.rejected(
                "MISSING_REQUIRED_PROPERTY",
                "HubSpot's admin made this property mandatory: map a field to it, or lift the rule in HubSpot.",
            ),
            K::Conflict => self.rejected(
                "EMAIL_TAKEN",
                "Two contacts in HubSpot stand for this lead: merge them there, then sync the lead again.",
            ),
            K::TooLarge => self.rejected("TOO_LARGE", "Shorten the lead's fields."),
            K::Refused => self.rejected("VENDOR_REFUSED", "See HubSpot's message; sync again once it is dealt with."),
            K::RecordGone => self.retry("RECORD_GONE", None),
            K::WrongPath => self.retry("WRONG_PATH", None),
            K::Locked => self.retry("LOCKED", Some(LOCK)),
            K::BurstLimit => self.retry("RATE_LIMITED", Some(BURST_WINDOW)),
            K::SecondLimit => self.retry("RATE_LIMITED", Some(Duration::from_secs(1))),
            K::Unavailable => self.retry("UNAVAILABLE", None),
            K::GatewayTimeout => lost(format!("a gateway of HubSpot gave up ({})", self.vendor_code)),
            K::KeyProperty | K::Credentials | K::Scope | K::Forbidden | K::DailyLimit | K::Migration => {
                Outcome::Paused { for_: self.pause(), reason: self.reason() }
            }
        }
    }

    /// What a person is told, and can do.
    pub fn reason(&self) -> SyncReason {
        let (code, hint) = match self.kind {
            K::KeyProperty => (
                "KEY_PROPERTY",
                "Connect again: that creates `leads_lead_id` with unique values. If it exists \
                 without them, delete it in HubSpot first."
                    .to_owned(),
            ),
            K::Credentials => ("CREDENTIALS", CREDENTIALS_HINT.to_owned()),
            K::Scope => return missing_scopes(std::slice::from_ref(self)),
            K::Forbidden => (
                "FORBIDDEN",
                "Ask the HubSpot account's admin why the token may not do this, then connect again.".to_owned(),
            ),
            K::DailyLimit => (
                "DAILY_LIMIT",
                "The account's calls of today are used up, by all of its apps together. Syncing goes on by itself \
                 after midnight in the account's time zone."
                    .to_owned(),
            ),
            K::Migration => {
                ("VENDOR_MIGRATION", "HubSpot is moving the account. Syncing goes on by itself.".to_owned())
            }
            _ => ("VENDOR_ERROR", "Try again later.".to_owned()),
        };
        SyncReason {
            code: code.to_owned(),
            message: self.message.clone(),
            field: self.property.clone(),
            hint,
        }
    }

    /// How long the connection rests; `None` until a person acts.
    pub fn pause(&self) -> Option<Duration> {
        match self.kind {
            K::DailyLimit => Some(self.retry_after.unwrap_or(DAILY_PAUSE)),
            K::Migration => Some(self.retry_after.unwrap_or(MIGRATION_PAUSE)),
            _ => None,
        }
    }

    /// What becomes of a connection task that met this fault.
    pub fn task_outcome(&self) -> TaskOutcome {
        match self.outcome() {
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
            Outcome::Paused { for_: after, .. } => self.task_retry(after),
            Outcome::Unknown { .. }
            | Outcome::NotStarted
            | Outcome::Delivered { .. }
            | Outcome::Gone { .. }
            | Outcome::Verified { .. } => self.task_retry(None),
        }
    }

    fn task_retry(&self, after: Option<Duration>) -> TaskOutcome {
        let (code, message) = (self.vendor_code.clone(), self.message.clone());
        TaskOutcome::Retry {
            class: "UNAVAILABLE",
            after,
            code,
            message,
        }
    }

    fn retry(&self, class: &'static str, default: Option<Duration>) -> Outcome {
        let (code, message) = (self.vendor_code.clone(), self.message.clone());
        Outcome::Retry {
            class,
            after: self.retry_after.or(default),
            code,
            message,
        }
    }

    fn rejected(&self, code: &'static str, hint: &str) -> Outcome {
        Outcome::Rejected {
            code,
            message: self.message.clone(),
            field: self.property.clone(),
            hint: hint.to_owned(),
            vendor_code: self.vendor_code.clone(),
        }
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

/// What a person is told whose connection holds no token.
pub fn no_token() -> SyncReason {
    SyncReason {
        code: "CREDENTIALS".to_owned(),
        message: "The connection holds no access token that could be one of HubSpot.".to_owned(),
        field: String::new(),
        hint: CREDENTIALS_HINT.to_owned(),
    }
}

/// Every scope that is missing, in one text.
pub fn missing_scopes(faults: &[Fault]) -> SyncReason {
    let mut scopes: Vec<String> = faults.iter().map(|fault| fault.scopes.join(" or ")).collect();
    scopes.sort();
    scopes.dedup();
    scopes.retain(|scope| !scope.is_empty());
    let message = match scopes.as_slice() {
        [] => faults
            .first()
            .map(|fault| fault.message.clone())
            .unwrap_or_default(),
        [scope] => format!("The token lacks the scope {scope}."),
        scopes => format!("The token lacks the scopes {}.", scopes.join(", ")),
    };
    SyncReason {
        code: "MISSING_SCOPE".to_owned(),
        message,
        field: String::new(),
        hint: scope_hint(&scopes),
    }
}

/// Where a scope is added, in HubSpot's own words for the places.
fn scope_hint(scopes: &[String]) -> String {
    let scopes = if scopes.is_empty() {
        "the missing scope".to_owned()
    } else {
        scopes.join(", ")
    };
    format!(
        "In HubSpot open Settings > Integrations > Private apps (or Service keys), choose the app, add {scopes} under \
         Scopes, save, and connect again."
    )
}

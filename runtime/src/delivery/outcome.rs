//! What became of a job or a task, as plain data, and the one conversion to the wire.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use leads_proto::leads::v1::SyncReason;

/// Longest vendor text that is reported, in characters; leads-svc keeps no more of it. So are the others.
const MESSAGE_CHARS: usize = 500;
/// Longest code, field name, record or account id.
const NAME_CHARS: usize = 64;
/// Longest address of a page.
const URL_CHARS: usize = 2_000;
/// Longest name of a host.
const DOMAIN_CHARS: usize = 255;

/// What became of one job.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The vendor has the revision.
    Delivered {
        /// Record in the CRM.
        external_id: String,
        /// The record's page; may be empty.
        url: String,
    },
    /// Try later.
    Retry {
        /// Kind of failure, such as `RATE_LIMITED`, `UNAVAILABLE`, `LOCKED`.
        class: &'static str,
        /// The vendor's wish for a pause; without it leads-svc backs off by itself.
        after: Option<Duration>,
        /// The vendor's code or status.
        code: String,
        /// The vendor's words.
        message: String,
    },
    /// The vendor will never take it as it is.
    Rejected {
        /// Reason for the customer, such as `VALIDATION`, `MISSING_PROPERTY`.
        code: &'static str,
        /// The vendor's words.
        message: String,
        /// CRM property at fault; may be empty.
        field: String,
        /// What to do about it.
        hint: String,
        /// The vendor's code or status.
        vendor_code: String,
    },
    /// The whole connection has to rest.
    Paused {
        /// For how long; `None` until a person acts.
        for_: Option<Duration>,
        /// Reason for the customer.
        reason: SyncReason,
    },
    /// Whether the vendor has it is not known: it is written again by the same key, and read back later.
    Unknown {
        /// What was seen.
        why: String,
    },
    /// Nothing was sent, for lack of time or quota: the job is given back, and no attempt is counted.
    NotStarted,
    /// No record of the lead is in the CRM any more.
    Gone {
        /// Records that were archived or erased.
        records: u32,
    },
    /// What a read-back found.
    Verified {
        /// Record in the CRM; empty if there is none.
        external_id: String,
        /// The record's page; may be empty.
        url: String,
        /// Our revision in that record; 0 if there is none.
        revision: i64,
    },
}

/// The outcome of one item of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemOutcome {
    /// The item's job.
    pub job_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Vendor calls that were made for it, shared ones included.
    pub calls: u32,
}

/// What became of a connection task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskOutcome {
    /// The connection works.
    Connected(wire::ConnectionFacts),
    /// It does not, and a person has to act.
    Failed(SyncReason),
    /// The vendor could not be asked; try later.
    Retry {
        /// As in [`Outcome::Retry`].
        class: &'static str,
        /// As in [`Outcome::Retry`].
        after: Option<Duration>,
        /// As in [`Outcome::Retry`].
        code: String,
        /// As in [`Outcome::Retry`].
        message: String,
    },
}

impl Outcome {
    /// Short name for metrics and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Outcome::Delivered { .. } => "delivered",
            Outcome::Retry { .. } => "retry",
            Outcome::Rejected { .. } => "rejected",
            Outcome::Paused { .. } => "paused",
            Outcome::Unknown { .. } => "unknown",
            Outcome::NotStarted => "not_started",
            Outcome::Gone { .. } => "gone",
            Outcome::Verified { .. } => "verified",
        }
    }

    /// What becomes of the leads behind one with this outcome, where they are taken one after the other; none if they are
    /// tried: a failure that is not the lead's own would meet them as well.
    pub fn for_the_rest_of_the_batch(&self) -> Option<Outcome> {
        match self {
            Outcome::Gone { .. }
            | Outcome::Verified { .. }
            | Outcome::Rejected { .. }
            | Outcome::Delivered { .. } => None,
            Outcome::Unknown { .. } => Some(Outcome::Retry {
                class: "UNAVAILABLE",
                after: None,
                code: String::new(),
                message: "an earlier call of this batch was not answered".to_owned(),
            }),
            Outcome::Retry { .. } | Outcome::Paused { .. } | Outcome::NotStarted => Some(self.clone()),
        }
    }

    /// The outcome as it is reported, with the version of the connection that it was met with. [`Outcome::NotStarted`] is
    /// released rather than reported; it reads as a retry here.
    pub fn into_report(
        self,
        job_id: String,
        lease_token: String,
        calls: u32,
        connection_version: i64,
    ) -> wire::JobOutcome {
        use wire::job_outcome::Outcome as Wire;
        let outcome = match self {
            Outcome::Delivered { external_id, url } => Wire::Delivered(wire::Delivered {
                external_id: name(external_id),
                url: cut(url, URL_CHARS),
            }),
            Outcome::Retry {
                class,
                after,
                code,
                message,
            } => Wire::Retry(retry(class, after, code, message)),
            Outcome::Rejected {
                code,
                message,
                field,
                hint,
                vendor_code,
            } => Wire::Rejected(wire::Rejected {
                code: code.to_owned(),
                message: text(message),
                field: name(field),
                hint: text(hint),
                vendor_code: name(vendor_code),
            }),
            Outcome::Paused { for_, reason } => Wire::Paused(wire::Paused {
                r#for: for_.map(to_wire),
                reason: Some(sync_reason(reason)),
                connection_version,
            }),
            Outcome::Unknown { why } => Wire::Unknown(wire::Unknown { why: text(why) }),
            Outcome::NotStarted => Wire::Retry(retry(
                "NOT_STARTED",
                Some(Duration::ZERO),
                String::new(),
                String::new(),
            )),
            Outcome::Gone { records } => Wire::Gone(wire::Gone {
                records: i32::try_from(records).unwrap_or(i32::MAX),
            }),
            Outcome::Verified {
                external_id,
                url,
                revision,
            } => Wire::Verified(wire::Verified {
                external_id: name(external_id),
                url: cut(url, URL_CHARS),
                revision,
            }),
        };
        let calls = i32::try_from(calls).unwrap_or(i32::MAX);
        wire::JobOutcome {
            job_id,
            lease_token,
            calls,
            outcome: Some(outcome),
        }
    }
}

impl TaskOutcome {
    /// The outcome as it is reported.
    pub fn into_report(self, task_id: String, lease_token: String) -> wire::ReportTaskRequest {
        use wire::report_task_request::Outcome as Wire;
        let outcome = match self {
            TaskOutcome::Connected(facts) => Wire::Connected(wire::ConnectionFacts {
                account_id: name(facts.account_id),
                ui_domain: cut(facts.ui_domain, DOMAIN_CHARS),
                ..facts
            }),
            TaskOutcome::Failed(reason) => Wire::Failed(sync_reason(reason)),
            TaskOutcome::Retry {
                class,
                after,
                code,
                message,
            } => Wire::Retry(retry(class, after, code, message)),
        };
        wire::ReportTaskRequest {
            task_id,
            lease_token,
            outcome: Some(outcome),
        }
    }
}

fn retry(class: &str, after: Option<Duration>, vendor_code: String, message: String) -> wire::Retry {
    wire::Retry {
        class: class.to_owned(),
        after: after.map(to_wire),
        vendor_code: name(vendor_code),
        message: text(message),
    }
}

fn sync_reason(reason: SyncReason) -> SyncReason {
    SyncReason {
        code: name(reason.code),
        message: text(reason.message),
        field: name(reason.field),
        hint: text(reason.hint),
    }
}

fn to_wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

fn name(text: String) -> String {
    cut(text, NAME_CHARS)
}

fn text(text: String) -> String {
    cut(text, MESSAGE_CHARS)
}

fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn vendor_texts_are_cut_at_a_character() {
        let outcome = Outcome::Unknown {
            why: "ü".repeat(600)
        };
        let report = outcome.into_report("j".into(), "t".into(), 2, 1);
        let Some(wire::job_outcome::Outcome::Unknown(unknown)) = report.outcome else {
            panic!("{report:?}")
        };
        assert_eq!(unknown.why, "ü".repeat(500));
        assert_eq!(report.calls, 2);
    }

    #[test]
    fn no_outcome_is_larger_than_what_leads_svc_keeps_of_it() {
        let long = || "x".repeat(45_000);
        let reason = || SyncReason {
            code: long(),
            message: long(),
            field: long(),
            hint: long(),
        };
        let jobs = [
            Outcome::Delivered {
                external_id: long(),
                url: long(),
            },
            Outcome::Retry {
                class: "UNAVAILABLE",
                after: None,
                code: long(),
                message: long(),
            },
            Outcome::Rejected {
                code: "VALIDATION",
                message: long(),
                field: long(),
                hint: long(),
                vendor_code: long(),
            },
            Outcome::Paused {
                for_: None,
                reason: reason(),
            },
            Outcome::Unknown { why: long() },
            Outcome::Verified {
                external_id: long(),
                url: long(),
                revision: 1,
            },
        ];
        for outcome in jobs {
            let name = outcome.name();
            let size = outcome.into_report("j".into(), "t".into(), 1, 1).encoded_len();
            assert!(size < 2_200, "{name}: {size}");
        }
        let tasks = [
            TaskOutcome::Connected(wire::ConnectionFacts {
                account_id: long(),
                ui_domain: long(),
                limits: None,
            }),
            TaskOutcome::Failed(reason()),
            TaskOutcome::Retry {
                class: "UNAVAILABLE",
                after: None,
                code: long(),
                message: long(),
            },
        ];
        for outcome in tasks {
            let size = outcome.into_report("t".into(), "l".into()).encoded_len();
            assert!(size < 2_200, "{size}");
        }
    }

    #[test]
    fn a_pause_without_an_end_has_no_duration() {
        let outcome = Outcome::Paused {
            for_: None,
            reason: SyncReason::default(),
        };
        let Some(wire::job_outcome::Outcome::Paused(paused)) =
            outcome.into_report("j".into(), "t".into(), 0, 7).outcome
        else {
            panic!("not paused");
        };
        assert_eq!((paused.r#for, paused.connection_version), (None, 7));
    }
}

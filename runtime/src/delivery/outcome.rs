//! What became of a job or a task, as plain data, and the one conversion to the wire.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use leads_proto::leads::v1::SyncReason;

/// Longest vendor text that is reported, in characters.
const MESSAGE_CHARS: usize = 500;

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
            Outcome::Delivered { external_id, url } => Wire::Delivered(wire::Delivered { external_id, url }),
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
                message: cut(message),
                field,
                hint,
                vendor_code,
            }),
            Outcome::Paused { for_, reason } => Wire::Paused(wire::Paused {
                r#for: for_.map(to_wire),
                reason: Some(reason),
                connection_version,
            }),
            Outcome::Unknown { why } => Wire::Unknown(wire::Unknown { why: cut(why) }),
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
                external_id,
                url,
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
            TaskOutcome::Connected(facts) => Wire::Connected(facts),
            TaskOutcome::Failed(reason) => Wire::Failed(reason),
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
        vendor_code,
        message: cut(message),
    }
}

fn to_wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

fn cut(message: String) -> String {
    match message.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => message.get(..end).unwrap_or_default().to_owned(),
        None => message,
    }
}

#[cfg(test)]
mod tests {
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

//! Reports of jobs whose record is to be gone, and of jobs that are to do something else by now.
//!
//! Holds: a record counts as erased only once a read-back did not find it. A write that was under way when the person was
//! erased is waited for: its report, or the end of its lease, makes the erasure due; where its outcome is not known, the
//! read-back waits until it cannot arrive any more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, IntoActiveModel};
use uuid::Uuid;

use super::{
    records::former,
    report::{Failures, Report, Verdict, VerifyAfter, drawn_pause, exhausted_reason},
};
use crate::{
    domain::sync::{Action, JobReport, JobState, Reason},
    storage::{crypto::Sealer, entity::sync_job, erasures::Told, error::Result, rows},
};

/// Code of a call whose outcome is not known.
const UNKNOWN: &str = "UNKNOWN_OUTCOME";

/// When a report was made.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// What the connection rests for, if it does.
    pub(super) rest: Duration,
    pub(super) now: DateTime<Utc>,
    pub(super) verify_after: VerifyAfter,
}

/// What the lease was given for.
pub(super) fn claimed(row: &sync_job::Model) -> Action {
    Action::parse(&row.claimed_action).unwrap_or(Action::Upsert)
}

/// Whether the job is to do something else than what its lease was given for.
pub(super) fn is_superseded(row: &sync_job::Model) -> bool {
    row.action != row.claimed_action
}

/// The job after a report of what it is no longer to do: what was learned of records is kept, and it is due.
pub(super) fn superseded(row: sync_job::Model, report: &Report, moment: Moment) -> sync_job::ActiveModel {
    let mut job = reported(row.clone(), report.token);
    let linked = match &report.outcome {
        JobReport::Delivered { external_id, .. } => Some(external_id.as_str()),
        JobReport::Verified { external_id, .. } if !external_id.is_empty() => Some(external_id.as_str()),
        // The record that was archived is not to be written to.
        JobReport::Gone { .. } => Some(""),
        JobReport::Verified { .. }
        | JobReport::Retry { .. }
        | JobReport::Rejected(_)
        | JobReport::Unknown { .. }
        | JobReport::Paused { .. } => None,
    };
    if let Some(linked) = linked {
        job.former_ids = Set(former(&row, linked));
        job.external_id = Set(linked.to_owned());
    }
    let pause = match &report.outcome {
        JobReport::Retry { after, .. } => after.unwrap_or_default(),
        JobReport::Paused { .. } => moment.rest,
        JobReport::Unknown { .. } => {
            job.unknown_outcome = Set(true);
            Duration::ZERO
        }
        JobReport::Delivered { .. }
        | JobReport::Verified { .. }
        | JobReport::Gone { .. }
        | JobReport::Rejected(_) => Duration::ZERO,
    };
    started_over(&mut job);
    job.verifying = Set(false);
    job.first_pending_at = Set(moment.now);
    pending(&mut job, moment.now + pause);
    job
}

/// The job after a report on a record that is to be gone, and what the erasure's receipt is told of it.
pub(super) fn settle(
    sealer: &Sealer,
    row: sync_job::Model,
    report: &Report,
    moment: Moment,
) -> Result<(sync_job::ActiveModel, Option<Told>)> {
    let Moment {
        rest,
        now,
        verify_after: VerifyAfter(verify_after),
    } = moment;
    let is_erasure = claimed(&row) == Action::Erase;
    let (attempt, unknown_before) = (row.attempt, row.unknown_outcome);
    let mut job = reported(row.clone(), report.token);
    let told = match &report.outcome {
        JobReport::Gone { records } => {
            started_over(&mut job);
            job.synced_revision = Set(0);
            // A write that is still on its way would be found by nobody who looks at once.
            let look_at = now
                + if unknown_before {
                    verify_after
                } else {
                    Duration::ZERO
                };
            if is_erasure || unknown_before {
                job.verifying = Set(true);
                pending(&mut job, look_at);
            } else {
                job.state = Set(JobState::Done.word().to_owned());
            }
            Told::Deleted { records: *records }
        }
        JobReport::Verified { external_id, .. } if external_id.is_empty() => {
            started_over(&mut job);
            job.unknown_outcome = Set(false);
            job.verifying = Set(false);
            job.state = Set(JobState::Done.word().to_owned());
            Told::Absent
        }
        JobReport::Verified { external_id, .. } | JobReport::Delivered { external_id, .. } => {
            job.former_ids = Set(former(&row, external_id));
            job.external_id = Set(external_id.clone());
            job.verifying = Set(false);
            // What could still arrive has arrived: nobody looks before.
            let has_looked = matches!(report.outcome, JobReport::Verified { .. });
            job.unknown_outcome = Set(unknown_before && !has_looked);
            job.attempt = Set(attempt + 1);
            pending(&mut job, now + drawn_pause(attempt));
            Told::Found
        }
        JobReport::Retry { reason, after } => {
            let pause = after.unwrap_or_default().max(drawn_pause(attempt));
            again(sealer, &mut job, &row, reason, now, pause)?
        }
        JobReport::Unknown { why } => {
            let reason = Reason {
                code: UNKNOWN.to_owned(),
                message: why.clone(),
                hint: "nothing to do: it is repeated and then read back".to_owned(),
                ..Reason::default()
            };
            again(sealer, &mut job, &row, &reason, now, drawn_pause(attempt))?
        }
        JobReport::Rejected(reason) => {
            job.reason = kept(sealer, &row, reason)?;
            job.state = Set(JobState::Dead.word().to_owned());
            Told::Failed {
                code: reason.code.clone(),
            }
        }
        JobReport::Paused { reason, .. } => {
            pending(&mut job, now + rest);
            Told::Waits {
                code: reason.code.clone(),
            }
        }
    };
    Ok((job, is_erasure.then_some(told)))
}

/// Tries once more. An erasure is never given up for its age: it stays owed.
fn again(
    sealer: &Sealer,
    job: &mut sync_job::ActiveModel,
    row: &sync_job::Model,
    reason: &Reason,
    now: DateTime<Utc>,
    pause: Duration,
) -> Result<Told> {
    job.attempt = Set(row.attempt + 1);
    job.reason = kept(sealer, row, reason)?;
    pending(job, now + pause);
    if claimed(row) != Action::Erase && Failures::with_one_more(row, now).count(job, now) == Verdict::GiveUp {
        job.reason = kept(sealer, row, &exhausted_reason(reason, row.attempt + 1))?;
    }
    Ok(Told::Waits {
        code: reason.code.clone(),
    })
}

/// Why it does not go on; of an erased person nothing that a CRM said is kept.
fn kept(
    sealer: &Sealer,
    row: &sync_job::Model,
    reason: &Reason,
) -> Result<sea_orm::ActiveValue<Option<sea_orm::JsonValue>>> {
    if claimed(row) == Action::Erase {
        return Ok(Set(None));
    }
    Ok(Set(Some(rows::seal_reason(sealer, row.id, reason)?)))
}

fn reported(row: sync_job::Model, token: Uuid) -> sync_job::ActiveModel {
    let mut job = row.into_active_model();
    job.lease_token = Set(None);
    job.lease_until = Set(None);
    job.reported_token = Set(Some(token));
    job
}

fn started_over(job: &mut sync_job::ActiveModel) {
    job.attempt = Set(0);
    job.failing_since = Set(None);
    job.solo = Set(false);
    job.solo_losses = Set(0);
    job.reason = Set(None);
}

fn pending(job: &mut sync_job::ActiveModel, at: DateTime<Utc>) {
    job.state = Set(JobState::Pending.word().to_owned());
    job.next_at = Set(at);
}

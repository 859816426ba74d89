//! What became of jobs: recorded only with the token of their lease, and only once.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;

use super::breaker::{Change, Health, Watched};
use crate::{
    domain::{
        activity::{Activity, Details, Kind},
        audit::{Act, Action},
        sync::{JobReport, JobState, Provider, Reason},
    },
    storage::{
        Store, Transaction, audit,
        connections::{self, seal_problem},
        crypto::Sealer,
        entity::{activity, sync_job},
        error::{Error, Result},
        rows, scope,
    },
};

/// Tries after which a job is given up.
const MAX_ATTEMPTS: i32 = 40;
/// Age after which a job is given up.
const HORIZON: TimeDelta = TimeDelta::hours(80);
/// First pause between tries; each failure doubles the most that is drawn.
const BASE_PAUSE: Duration = Duration::from_secs(2);
/// Longest drawn pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(3_600);

/// A report of one job.
#[derive(Debug, Clone)]
pub struct Report {
    /// The job.
    pub job: Uuid,
    /// Token of the lease.
    pub token: Uuid,
    /// What became of it.
    pub outcome: JobReport,
}

/// A lease that was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// The job.
    pub job: Uuid,
    /// Token of the lease.
    pub token: Uuid,
    /// How long the job is not due.
    pub after: Duration,
}

/// Whether a report counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Recorded, now or by an earlier call with the same token.
    Recorded,
    /// The lease was lost; the job will be repaired.
    LeaseLost,
    /// The job no longer exists.
    Gone,
}

/// What became of a batch of reports.
#[derive(Debug, Default)]
pub struct Recorded {
    /// One per report, in order.
    pub receipts: Vec<Receipt>,
    /// Connections that changed with it.
    pub changes: Vec<Change>,
    /// From change to acceptance, of each delivery.
    pub latencies: Vec<Duration>,
}

/// How long to wait before an outcome that was unknown is verified.
#[derive(Debug, Clone, Copy)]
pub struct VerifyAfter(pub Duration);

impl Store {
    /// Records reports of a destination.
    ///
    /// # Errors
    /// The database; nothing is recorded then, and the same reports may come again.
    pub async fn report(
        &self,
        provider: Provider,
        reports: &[Report],
        verify_after: VerifyAfter,
    ) -> Result<Recorded> {
        let transaction = self.begin().await?;
        let rows = scope::select_any::<sync_job::Entity>()
            .filter(sync_job::Column::Provider.eq(provider.name()))
            .filter(scope::among(
                sync_job::Column::Id,
                reports.iter().map(|report| report.job),
                self.backend(),
            ))
            // In the order in which everybody locks jobs, so that nobody waits in a circle.
            .order_by_asc(sync_job::Column::LeadId)
            .lock_exclusive()
            .all(&*transaction)
            .await?;
        let mut watched = Watched::lock(&transaction, &rows).await?;
        let mut keys = HashMap::new();
        for workspace in rows.iter().map(|row| row.workspace_id).collect::<HashSet<_>>() {
            keys.insert(workspace, self.workspace_keys(workspace).await?);
        }
        let mut sealers = HashMap::new();
        for (workspace, keys) in &keys {
            let leads = rows.iter().filter(|row| row.workspace_id == *workspace);
            let leads = leads.map(|row| row.lead_id).collect();
            let of_leads = self.sealers_of_leads(&*transaction, keys, leads).await?;
            sealers.insert(*workspace, of_leads);
        }
        let mut rows: HashMap<Uuid, sync_job::Model> = rows.into_iter().map(|row| (row.id, row)).collect();

        let now = self.clock.now();
        let mut activities = Vec::new();
        let mut pauses = Vec::new();
        let mut recorded = Recorded::default();
        let mut settled = HashSet::new();
        for report in reports {
            if settled.contains(&(report.job, report.token)) {
                recorded.receipts.push(Receipt::Recorded);
                continue;
            }
            let Some(row) = rows.remove(&report.job) else {
                recorded.receipts.push(Receipt::Gone);
                continue;
            };
            if row.reported_token == Some(report.token) {
                recorded.receipts.push(Receipt::Recorded);
                continue;
            }
            if row.lease_token != Some(report.token) {
                repair(&transaction, &row, now, verify_after).await?;
                recorded.receipts.push(Receipt::LeaseLost);
                continue;
            }
            if let Some(health) = watched.health(row.connection_id) {
                judge(&report.outcome, health);
            }
            let sealers = sealers.get(&row.workspace_id).ok_or_else(|| {
                Error::inconsistent("sync_jobs", "workspace_id", row.id, "the workspace is gone")
            })?;
            let mut rest = Duration::ZERO;
            if let JobReport::Paused {
                rest: wanted,
                reason,
                connection_version,
            } = &report.outcome
            {
                let problem = seal_problem(sealers.keys, row.connection_id, reason)?;
                let paused_before = watched.is_paused(row.connection_id);
                if watched.pause(row.connection_id, *connection_version, *wanted, problem, now) {
                    rest = wanted.unwrap_or_default();
                    if !paused_before {
                        pauses.push((row.workspace_id, paused(&row, reason)));
                    }
                }
            }
            if let Some(kind) = event(&row, &report.outcome, now) {
                let sealer = sealers.of_lead(row.lead_id);
                activities.push(self.entry(sealer, &row, kind, &report.outcome, now)?);
            }
            if matches!(report.outcome, JobReport::Delivered { .. }) {
                recorded
                    .latencies
                    .push((now - row.first_pending_at).to_std().unwrap_or_default());
            }
            settle(sealers.of_lead(row.lead_id), row, report, rest, now, verify_after)?
                .update(&*transaction)
                .await?;
            settled.insert((report.job, report.token));
            recorded.receipts.push(Receipt::Recorded);
        }
        transaction.insert::<activity::Entity>(activities).await?;
        recorded.changes = watched.settle(&transaction, now).await?;
        // In the order of their workspaces, so that nobody waits in a circle.
        pauses.sort_unstable_by_key(|(workspace, _)| *workspace);
        for (workspace, act) in pauses {
            if let Some(keys) = keys.get(&workspace) {
                audit::append(&transaction, keys, workspace, act, now).await?;
            }
        }
        leads_runtime::crash_point!("report.before_commit");
        transaction.commit().await?;
        leads_runtime::crash_point!("report.after_commit");
        Ok(recorded)
    }

    /// Gives leases back that were not used; no attempt is counted.
    ///
    /// # Errors
    /// The database; the sweep takes the leases back then.
    pub async fn release(&self, provider: Provider, leases: &[Unused]) -> Result<()> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        for Unused { job, token, after } in leases {
            scope::update_any::<sync_job::Entity>()
                .filter(sync_job::Column::Provider.eq(provider.name()))
                .filter(sync_job::Column::Id.eq(*job))
                .filter(sync_job::Column::LeaseToken.eq(*token))
                .filter(sync_job::Column::State.eq(JobState::Running.word()))
                .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
                .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
                .col_expr(sync_job::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
                .col_expr(sync_job::Column::NextAt, Expr::value(now + *after))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await
    }

    fn entry(
        &self,
        sealer: &Sealer,
        row: &sync_job::Model,
        kind: Kind,
        outcome: &JobReport,
        now: DateTime<Utc>,
    ) -> Result<activity::Model> {
        let text = match outcome {
            JobReport::Delivered { external_id, .. } | JobReport::Verified { external_id, .. } => {
                format!(
                    "revision {} is in {} as record {external_id}",
                    row.claimed_revision, row.provider
                )
            }
            JobReport::Rejected(reason) | JobReport::Retry { reason, .. } => {
                format!("{}: {}", reason.code, reason.message)
            }
            JobReport::Unknown { why } => why.clone(),
            JobReport::Paused { reason, .. } => reason.message.clone(),
        };
        let activity = Activity {
            id: leads_runtime::ids::new_id(&self.clock),
            kind: kind.word().to_owned(),
            actor: format!("connector:{}", row.provider),
            at: now,
            details: Details {
                changes: Vec::new(),
                text,
            },
        };
        rows::activity_row(sealer, row.workspace_id, row.lead_id, activity)
    }
}

/// The job after the report; `rest` is what its connection begins with it.
fn settle(
    sealer: &Sealer,
    row: sync_job::Model,
    report: &Report,
    rest: Duration,
    now: DateTime<Utc>,
    VerifyAfter(verify_after): VerifyAfter,
) -> Result<sync_job::ActiveModel> {
    let id = row.id;
    let sealed = |reason: &Reason| rows::seal_reason(sealer, id, reason).map(|sealed| Set(Some(sealed)));
    let newer_wanted = row.wanted_revision > row.claimed_revision;
    let exhausted = is_exhausted(&row, now);
    let (attempt, first_pending_at, claimed) = (row.attempt, row.first_pending_at, row.claimed_revision);
    let (unknown_before, synced_before) = (row.unknown_outcome, row.synced_revision);
    let mut job = row.into_active_model();
    job.lease_token = Set(None);
    job.lease_until = Set(None);
    job.reported_token = Set(Some(report.token));
    let pending = |job: &mut sync_job::ActiveModel, pause: Duration| {
        job.state = Set(JobState::Pending.word().to_owned());
        job.next_at = Set(now + pause);
    };
    let accepted = |job: &mut sync_job::ActiveModel, external_id: &str, url: &str| {
        job.external_id = Set(external_id.to_owned());
        if !url.is_empty() {
            job.url = Set(url.to_owned());
        }
        job.attempt = Set(0);
        job.solo = Set(false);
        job.solo_losses = Set(0);
        job.reason = Set(None);
    };
    match &report.outcome {
        JobReport::Delivered { external_id, url } => {
            accepted(&mut job, external_id, url);
            job.synced_at = Set(Some(now));
            job.latency_ms = Set((now - first_pending_at).num_milliseconds());
            job.synced_revision = Set(claimed);
            job.verifying = Set(false);
            if newer_wanted {
                pending(&mut job, Duration::ZERO);
                job.first_pending_at = Set(now);
            } else if unknown_before {
                // An earlier write may still arrive and put an old revision over this one.
                pending(&mut job, verify_after);
                job.verifying = Set(true);
            } else {
                job.state = Set(JobState::Done.word().to_owned());
            }
        }
        JobReport::Verified {
            external_id,
            url,
            revision,
        } => {
            job.unknown_outcome = Set(false);
            job.verifying = Set(false);
            if *revision >= synced_before && *revision > 0 && !newer_wanted {
                accepted(&mut job, external_id, url);
                job.state = Set(JobState::Done.word().to_owned());
            } else {
                job.synced_revision = Set(*revision);
                job.external_id = Set(external_id.clone());
                pending(&mut job, Duration::ZERO);
            }
        }
        JobReport::Retry { reason, after } => {
            job.attempt = Set(attempt + 1);
            job.reason = sealed(reason)?;
            pending(&mut job, after.unwrap_or_default().max(drawn_pause(attempt)));
            if exhausted {
                job.state = Set(JobState::Dead.word().to_owned());
                job.reason = sealed(&exhausted_reason(reason, attempt + 1))?;
            }
        }
        JobReport::Rejected(reason) => {
            job.reason = sealed(reason)?;
            if newer_wanted {
                pending(&mut job, Duration::ZERO);
            } else {
                job.state = Set(JobState::Dead.word().to_owned());
            }
        }
        JobReport::Unknown { why } => {
            job.unknown_outcome = Set(true);
            job.attempt = Set(attempt + 1);
            let reason = Reason {
                code: "UNKNOWN_OUTCOME".to_owned(),
                message: why.clone(),
                hint: "nothing to do: the write is repeated by the same key and then read back".to_owned(),
                ..Reason::default()
            };
            job.reason = sealed(&reason)?;
            pending(&mut job, drawn_pause(attempt));
            if exhausted {
                job.state = Set(JobState::Dead.word().to_owned());
                job.reason = sealed(&exhausted_reason(&reason, attempt + 1))?;
            }
        }
        JobReport::Paused { .. } => pending(&mut job, rest),
    }
    Ok(job)
}

/// Whether one more failure is the last.
fn is_exhausted(row: &sync_job::Model, now: DateTime<Utc>) -> bool {
    row.attempt + 1 >= MAX_ATTEMPTS || now - row.first_pending_at > HORIZON
}

/// A report came with a token whose lease was lost: its write may have reached the CRM after a newer one.
async fn repair(
    transaction: &Transaction,
    row: &sync_job::Model,
    now: DateTime<Utc>,
    VerifyAfter(verify_after): VerifyAfter,
) -> Result<()> {
    let mut job = row.clone().into_active_model();
    job.unknown_outcome = Set(true);
    if row.state == JobState::Done.word() {
        job.state = Set(JobState::Pending.word().to_owned());
        job.verifying = Set(true);
        job.next_at = Set(now + verify_after);
    }
    job.update(&**transaction).await?;
    Ok(())
}

/// What the audit log says of a connection that its vendor, through the connector, has rest.
fn paused(row: &sync_job::Model, reason: &Reason) -> Act {
    let connector = format!("connector:{}", row.provider);
    let subject = connections::subject(row.connection_id);
    Act::new(&connector, Action::ConnectionPaused, subject).with("code", &reason.code)
}

fn judge(outcome: &JobReport, health: &mut Health) {
    match outcome {
        JobReport::Delivered { .. } | JobReport::Rejected(_) | JobReport::Verified { .. } => {
            health.answered += 1
        }
        JobReport::Retry { reason, .. } if reason.code == "RATE_LIMITED" => {}
        JobReport::Retry { .. } | JobReport::Unknown { .. } => health.failed += 1,
        JobReport::Paused { .. } => {}
    }
}

fn event(row: &sync_job::Model, outcome: &JobReport, now: DateTime<Utc>) -> Option<Kind> {
    match outcome {
        JobReport::Delivered { .. } => Some(Kind::Synced),
        JobReport::Rejected(_) if row.wanted_revision == row.claimed_revision => Some(Kind::SyncFailed),
        JobReport::Retry { .. } | JobReport::Unknown { .. } if is_exhausted(row, now) => {
            Some(Kind::SyncFailed)
        }
        JobReport::Rejected(_)
        | JobReport::Retry { .. }
        | JobReport::Unknown { .. }
        | JobReport::Paused { .. }
        | JobReport::Verified { .. } => None,
    }
}

fn exhausted_reason(last: &Reason, attempts: i32) -> Reason {
    Reason {
        code: "EXHAUSTED".to_owned(),
        message: format!(
            "given up after {attempts} tries; the last failure was {}: {}",
            last.code, last.message
        ),
        hint: "sync the lead again once the CRM works".to_owned(),
        ..last.clone()
    }
}

/// Full jitter: anything up to a limit that doubles with each failure.
fn drawn_pause(attempt: i32) -> Duration {
    let most = BASE_PAUSE
        .saturating_mul(1 << attempt.clamp(0, 12))
        .min(MAX_PAUSE);
    most.mul_f64(rand::random::<f64>())
}

//! What became of jobs: recorded only with the token of their lease, and only once.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    breaker::{Change, Health, Watched},
    gone,
    records::former,
};
use crate::{
    domain::{
        activity::{Activity, Details, Kind},
        audit::{Act, Action},
        sync::{self, JobReport, JobState, Provider, Reason, connector_name},
    },
    storage::{
        Store, Transaction, audit,
        connections::{self, seal_problem},
        crypto::Sealer,
        entity::{activity, sync_job},
        erasures,
        error::{Error, Result},
        rows,
        scope::{self, Reach},
    },
};

/// Tries after which a job is given up.
const MAX_ATTEMPTS: i32 = 40;
/// Time of failures one after the other after which a job is given up.
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
        let mut acts = Vec::new();
        let mut told = Vec::new();
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
                        acts.push((row.workspace_id, paused(&row, reason)));
                    }
                }
            }
            let sealer = sealers.of_lead(row.lead_id);
            if let Some(kind) = event(&row, &report.outcome, now) {
                activities.push(self.entry(sealer, &row, kind, &report.outcome, now)?);
            }
            if matches!(report.outcome, JobReport::Delivered { .. }) && is_of_lead(&row) {
                recorded
                    .latencies
                    .push((now - row.first_pending_at).to_std().unwrap_or_default());
            }
            let workspace = row.workspace_id;
            let moment = gone::Moment {
                rest,
                now,
                verify_after,
            };
            let erasure = row.erasure_id;
            let (job, news) = if gone::is_superseded(&row) {
                (gone::superseded(row, report, moment), None)
            } else if gone::claimed(&row) == sync::Action::Upsert {
                (settle(sealer, row, report, rest, now, verify_after)?, None)
            } else {
                gone::settle(sealer, row, report, moment)?
            };
            store(&transaction, workspace, report.job, job).await?;
            told.extend(erasure.zip(news));
            settled.insert((report.job, report.token));
            recorded.receipts.push(Receipt::Recorded);
        }
        transaction
            .insert::<activity::Entity>(Reach::All, activities)
            .await?;
        recorded.changes = watched.settle(&transaction, now).await?;
        acts.extend(erasures::note(&transaction, provider.name(), told, now).await?);
        // In the order of their workspaces, so that nobody waits in a circle.
        acts.sort_by_key(|(workspace, _)| *workspace);
        for (workspace, act) in acts {
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
            JobReport::Gone { .. } => String::new(),
        };
        let activity = Activity {
            id: leads_runtime::ids::new_id(&self.clock),
            kind: kind.word().to_owned(),
            actor: connector_name(&row.provider),
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
    let failures = Failures::with_one_more(&row, now);
    let (attempt, first_pending_at, claimed) = (row.attempt, row.first_pending_at, row.claimed_revision);
    let (unknown_before, synced_before) = (row.unknown_outcome, row.synced_revision);
    let mut job = row.clone().into_active_model();
    job.lease_token = Set(None);
    job.lease_until = Set(None);
    job.reported_token = Set(Some(report.token));
    let pending = |job: &mut sync_job::ActiveModel, pause: Duration| {
        job.state = Set(JobState::Pending.word().to_owned());
        job.next_at = Set(now + pause);
    };
    let accepted = |job: &mut sync_job::ActiveModel, external_id: &str, url: &str| {
        job.former_ids = Set(former(&row, external_id));
        job.external_id = Set(external_id.to_owned());
        if !url.is_empty() {
            job.url = Set(url.to_owned());
        }
        job.attempt = Set(0);
        job.failing_since = Set(None);
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
                job.reason = sealed(&read_back_reason())?;
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
                job.former_ids = Set(former(&row, external_id));
                job.external_id = Set(external_id.clone());
                pending(&mut job, Duration::ZERO);
            }
        }
        JobReport::Retry { reason, after } => {
            job.reason = sealed(reason)?;
            pending(&mut job, after.unwrap_or_default().max(drawn_pause(attempt)));
            if failures.count(&mut job, now) == Verdict::GiveUp {
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
            let reason = Reason {
                code: "UNKNOWN_OUTCOME".to_owned(),
                message: why.clone(),
                hint: "nothing to do: the write is repeated by the same key and then read back".to_owned(),
                ..Reason::default()
            };
            job.reason = sealed(&reason)?;
            pending(&mut job, drawn_pause(attempt));
            if failures.count(&mut job, now) == Verdict::GiveUp {
                job.reason = sealed(&exhausted_reason(&reason, attempt + 1))?;
            }
        }
        // Nobody was asked to take the record away.
        JobReport::Gone { .. } => pending(&mut job, drawn_pause(attempt)),
        JobReport::Paused { .. } => {
            // The rest is its connection's: it has not failed meanwhile.
            job.failing_since = Set(None);
            pending(&mut job, rest);
        }
    }
    Ok(job)
}

/// Why a lead that was just written is not shown as synced yet.
fn read_back_reason() -> Reason {
    Reason {
        code: "UNKNOWN_OUTCOME".to_owned(),
        message: "written; an earlier write of unknown outcome may still arrive, so the record is read back"
            .to_owned(),
        field: String::new(),
        hint: "nothing to do".to_owned(),
        vendor_code: String::new(),
    }
}

/// How often, and since when, a job has failed.
pub(super) struct Failures {
    count: i32,
    since: DateTime<Utc>,
    verdict: Verdict,
}

/// What a failure means for its job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is tried again.
    GoOn,
    /// It is tried no more.
    GiveUp,
    /// What failed is not wanted any more; what is wanted has all its tries before it.
    BeginAnew,
}

impl Failures {
    pub(super) fn with_one_more(row: &sync_job::Model, now: DateTime<Utc>) -> Self {
        let count = row.attempt + 1;
        // What was due for so long did not fail meanwhile: its connection rested, or its plan had no syncs.
        let waited = now - row.next_at > HORIZON;
        let since = row.failing_since.filter(|_| !waited).unwrap_or(now);
        let verdict = if count < MAX_ATTEMPTS && now - since <= HORIZON {
            Verdict::GoOn
        } else if row.wanted_revision > row.claimed_revision {
            Verdict::BeginAnew
        } else {
            Verdict::GiveUp
        };
        Self {
            count,
            since,
            verdict,
        }
    }

    /// Notes the failure in a job that is pending by now.
    pub(super) fn count(&self, job: &mut sync_job::ActiveModel, now: DateTime<Utc>) -> Verdict {
        job.attempt = Set(self.count);
        job.failing_since = Set(Some(self.since));
        match self.verdict {
            Verdict::GoOn => {}
            Verdict::GiveUp => job.state = Set(JobState::Dead.word().to_owned()),
            Verdict::BeginAnew => {
                job.attempt = Set(0);
                job.failing_since = Set(None);
                job.first_pending_at = Set(now);
            }
        }
        self.verdict
    }
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
    store(transaction, row.workspace_id, row.id, job).await
}

/// Changes a job.
pub(in crate::storage) async fn store(
    transaction: &Transaction,
    workspace: Uuid,
    id: Uuid,
    changed: sync_job::ActiveModel,
) -> Result<()> {
    scope::update::<sync_job::Entity>(workspace)
        .filter(sync_job::Column::Id.eq(id))
        .set(changed)
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// What the audit log says of a connection that its vendor, through the connector, has rest.
fn paused(row: &sync_job::Model, reason: &Reason) -> Act {
    let connector = connector_name(&row.provider);
    let subject = connections::subject(row.connection_id);
    Act::new(&connector, Action::ConnectionPaused, subject).with("code", &reason.code)
}

fn judge(outcome: &JobReport, health: &mut Health) {
    match outcome {
        JobReport::Delivered { .. }
        | JobReport::Rejected(_)
        | JobReport::Verified { .. }
        | JobReport::Gone { .. } => health.answered += 1,
        JobReport::Retry { reason, .. } if reason.code == "RATE_LIMITED" => {}
        JobReport::Retry { .. } | JobReport::Unknown { .. } => health.failed += 1,
        JobReport::Paused { .. } => {}
    }
}

/// Whether the report is about a write of a lead that there still is.
fn is_of_lead(row: &sync_job::Model) -> bool {
    gone::claimed(row) == sync::Action::Upsert && row.erasure_id.is_none()
}

fn event(row: &sync_job::Model, outcome: &JobReport, now: DateTime<Utc>) -> Option<Kind> {
    if !is_of_lead(row) {
        return None;
    }
    match outcome {
        JobReport::Delivered { .. } => Some(Kind::Synced),
        JobReport::Rejected(_)
            if row.wanted_revision == row.claimed_revision && !gone::is_superseded(row) =>
        {
            Some(Kind::SyncFailed)
        }
        JobReport::Retry { .. } | JobReport::Unknown { .. }
            if Failures::with_one_more(row, now).verdict == Verdict::GiveUp && !gone::is_superseded(row) =>
        {
            Some(Kind::SyncFailed)
        }
        JobReport::Rejected(_)
        | JobReport::Retry { .. }
        | JobReport::Unknown { .. }
        | JobReport::Paused { .. }
        | JobReport::Gone { .. }
        | JobReport::Verified { .. } => None,
    }
}

pub(super) fn exhausted_reason(last: &Reason, attempts: i32) -> Reason {
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
pub(super) fn drawn_pause(attempt: i32) -> Duration {
    let most = BASE_PAUSE
        .saturating_mul(1 << attempt.clamp(0, 12))
        .min(MAX_PAUSE);
    most.mul_f64(rand::random::<f64>())
}

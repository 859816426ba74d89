//! A connector takes the right to act: a lease and a token, by compare-and-set.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, DbBackend, DbErr, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{
    publish::{is_open, is_planned},
    records::ToGo,
};
use crate::{
    domain::sync::{Action, JobState, Provider, Reason},
    storage::{
        Store,
        entity::{connection, sync_job},
        error::{Error, Result},
        leads::Record,
        rows, scope,
    },
};

/// Longest time in which the leads of a claim are read: less than connectors wait for the answer.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// A job that a stream entry named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The job.
    pub job: Uuid,
    /// Publication that the entry belongs to.
    pub generation: i64,
}

/// The right to act on a job.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Proves the lease.
    pub token: Uuid,
    /// Through which connection.
    pub connection: Uuid,
    /// Its version, to know an older one by.
    pub connection_version: i64,
    /// Of which workspace.
    pub workspace: Uuid,
    /// Of which lead.
    pub lead: Uuid,
    /// What to do.
    pub action: Action,
    /// The lead as it is now; none if its record is to be gone.
    pub record: Option<Box<Record>>,
    /// Records that are to be gone.
    pub record_ids: Vec<String>,
    /// Leads that these may say they are of.
    pub lead_ids: Vec<Uuid>,
    /// The CRM's record; empty before the first sync.
    pub external_id: String,
    /// Failed tries of this revision.
    pub attempt: i32,
    /// Whether to send it alone.
    pub solo: bool,
    /// Whether to read back instead of acting.
    pub verify: bool,
    /// Trace of the change.
    pub traceparent: String,
}

/// Why a job was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It no longer exists.
    Gone,
    /// It is settled, or the entry is older than its newest publication.
    Done,
    /// It waits for its time.
    NotDue,
    /// Somebody holds its lease, or its connection rests.
    Held,
}

impl Store {
    /// Takes leases on jobs of a destination. Jobs that are missing in the answer were not granted.
    ///
    /// # Errors
    /// The database; nothing is granted then, and leases that were taken are given back.
    pub async fn claim(
        &self,
        provider: Provider,
        named: &[Named],
        lease: Duration,
    ) -> Result<HashMap<Uuid, Grant>> {
        let now = self.clock.now();
        let token = leads_runtime::ids::new_id(&self.clock);
        let mut by_generation: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
        for hint in named {
            by_generation.entry(hint.generation).or_default().push(hint.job);
        }
        let claimable = |jobs: &[Uuid]| {
            Condition::all()
                .add(sync_job::Column::Provider.eq(provider.name()))
                .add(sync_job::Column::State.eq(JobState::Published.word()))
                .add(scope::among(
                    sync_job::Column::Id,
                    jobs.iter().copied(),
                    self.backend(),
                ))
        };
        let connections = |condition: Condition| {
            let select = Query::select()
                .column(connection::Column::Id)
                .from(connection::Entity)
                .cond_where(condition)
                .to_owned();
            Expr::col(sync_job::Column::ConnectionId).in_subquery(select)
        };
        // Erasures do not depend on what the workspace has paid for.
        let may_go = connections(is_open(now)).and(
            sync_job::Column::Action
                .eq(Action::Erase.word())
                .or(connections(is_planned())),
        );
        let transaction = self.begin().await?;
        if self.backend() == DbBackend::Postgres {
            let all: Vec<Uuid> = named.iter().map(|hint| hint.job).collect();
            // In the order in which everybody locks jobs, so that nobody waits in a circle.
            scope::select_any::<sync_job::Entity>()
                .select_only()
                .column(sync_job::Column::Id)
                .filter(claimable(&all))
                .order_by_asc(sync_job::Column::LeadId)
                .lock_exclusive()
                .into_tuple::<Uuid>()
                .all(&*transaction)
                .await?;
        }
        let mut taken = Vec::with_capacity(named.len());
        // A statement for each, so that its text is always the same; almost always there is one.
        for (generation, jobs) in by_generation {
            let some = scope::update_any::<sync_job::Entity>()
                .filter(claimable(&jobs))
                .filter(sync_job::Column::Generation.eq(generation))
                .filter(may_go.clone())
                .col_expr(sync_job::Column::State, Expr::value(JobState::Running.word()))
                .col_expr(sync_job::Column::LeaseToken, Expr::value(Some(token)))
                .col_expr(sync_job::Column::LeaseUntil, Expr::value(Some(now + lease)))
                .col_expr(sync_job::Column::PublishCount, Expr::value(0))
                .col_expr(
                    sync_job::Column::ClaimedRevision,
                    Expr::col(sync_job::Column::WantedRevision),
                )
                .col_expr(
                    sync_job::Column::ClaimedAction,
                    Expr::col(sync_job::Column::Action),
                )
                .exec_with_returning(&*transaction)
                .await?;
            taken.extend(some);
        }
        leads_runtime::crash_point!("claim.before_commit");
        transaction.commit().await?;
        leads_runtime::crash_point!("claim.after_commit");
        let jobs: Vec<Uuid> = taken.iter().map(|job| job.id).collect();
        let read = tokio::time::timeout(READ_LIMIT, self.with_leads(token, taken)).await;
        let problem = match read {
            Ok(Ok(grants)) => return Ok(grants),
            Ok(Err(error)) => error,
            Err(_elapsed) => Error::Timeout(DbErr::Custom("claimed leads are not read in time".to_owned())),
        };
        // Nobody hears of these leases: run out, they would look as if their holder had died of one of the jobs.
        if let Err(error) = self.give_back(token, &jobs).await {
            tracing::warn!(error = %error, jobs = jobs.len(), "leases that were not granted run out");
        }
        Err(problem)
    }

    /// Ends leases that nobody was told of.
    async fn give_back(&self, token: Uuid, jobs: &[Uuid]) -> Result<()> {
        let transaction = self.begin().await?;
        scope::update_any::<sync_job::Entity>()
            .filter(scope::among(
                sync_job::Column::Id,
                jobs.iter().copied(),
                self.backend(),
            ))
            .filter(sync_job::Column::LeaseToken.eq(token))
            .filter(sync_job::Column::State.eq(JobState::Running.word()))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
            .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(sync_job::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }

    /// Why each of some jobs was not granted.
    ///
    /// # Errors
    /// The database.
    pub async fn refusals(&self, provider: Provider, named: &[Named]) -> Result<HashMap<Uuid, Refusal>> {
        let now = self.clock.now();
        let rows = scope::select_any::<sync_job::Entity>()
            .filter(sync_job::Column::Provider.eq(provider.name()))
            .filter(scope::among(
                sync_job::Column::Id,
                named.iter().map(|hint| hint.job),
                self.backend(),
            ))
            .all(self.reader())
            .await?;
        let rows: HashMap<Uuid, sync_job::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(named
            .iter()
            .map(|hint| {
                let refusal = match rows.get(&hint.job) {
                    None => Refusal::Gone,
                    Some(row) if row.generation != hint.generation => Refusal::Done,
                    Some(row) => match JobState::parse(&row.state) {
                        Some(JobState::Done | JobState::Dead) | None => Refusal::Done,
                        Some(JobState::Pending) if row.next_at > now => Refusal::NotDue,
                        Some(JobState::Pending | JobState::Published | JobState::Running) => Refusal::Held,
                    },
                };
                (hint.job, refusal)
            })
            .collect())
    }

    async fn with_leads(&self, token: Uuid, taken: Vec<sync_job::Model>) -> Result<HashMap<Uuid, Grant>> {
        let mut by_workspace: HashMap<Uuid, Vec<sync_job::Model>> = HashMap::new();
        for row in taken {
            by_workspace.entry(row.workspace_id).or_default().push(row);
        }
        let mut grants = HashMap::new();
        for (workspace, jobs) in by_workspace {
            let versions = self.versions(&jobs).await?;
            let (written, gone): (Vec<_>, Vec<_>) = jobs
                .iter()
                .cloned()
                .partition(|job| job.action == Action::Upsert.word());
            let mut records = if written.is_empty() {
                HashMap::new()
            } else {
                self.readable(workspace, &written).await?
            };
            let mut known = self.records_to_go(workspace, &gone).await?;
            for job in jobs {
                let Some(action) = Action::parse(&job.action) else {
                    continue;
                };
                let record = records.remove(&job.lead_id);
                if action == Action::Upsert && record.is_none() {
                    continue;
                }
                let ToGo { record_ids, lead_ids } = known.remove(&job.id).unwrap_or_default();
                grants.insert(
                    job.id,
                    Grant {
                        token,
                        connection: job.connection_id,
                        connection_version: versions.get(&job.connection_id).copied().unwrap_or_default(),
                        workspace,
                        lead: job.lead_id,
                        action,
                        record: record.map(Box::new),
                        record_ids,
                        lead_ids,
                        external_id: job.external_id,
                        attempt: job.attempt,
                        solo: job.solo,
                        verify: job.verifying,
                        traceparent: job.traceparent,
                    },
                );
            }
        }
        Ok(grants)
    }

    /// Versions of some jobs' connections.
    async fn versions(&self, jobs: &[sync_job::Model]) -> Result<HashMap<Uuid, i64>> {
        Ok(scope::select_any::<connection::Entity>()
            .select_only()
            .columns([connection::Column::Id, connection::Column::Version])
            .filter(connection::Column::Id.is_in(jobs.iter().map(|job| job.connection_id)))
            .into_tuple()
            .all(self.reader())
            .await?
            .into_iter()
            .collect())
    }

    /// Leads of some jobs of one workspace. A lead that cannot be read must not take the others down: its job is given up.
    async fn readable(&self, workspace: Uuid, jobs: &[sync_job::Model]) -> Result<HashMap<Uuid, Record>> {
        let all: Vec<Uuid> = jobs.iter().map(|job| job.lead_id).collect();
        let keys = match self.workspace_keys(workspace).await {
            Ok(keys) => keys,
            Err(error @ Error::Inconsistent { .. }) => {
                for job in jobs {
                    self.bury(job, &error).await?;
                }
                return Ok(HashMap::new());
            }
            Err(error) => return Err(error),
        };
        let by_id = |records: Vec<Record>| records.into_iter().map(|record| (record.lead.id, record));
        match self.leads_by_id(workspace, &keys, &all).await {
            Ok(records) => return Ok(by_id(records).collect()),
            Err(Error::Inconsistent { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut readable = HashMap::new();
        for job in jobs {
            match self.leads_by_id(workspace, &keys, &[job.lead_id]).await {
                Ok(records) => readable.extend(by_id(records)),
                Err(error @ Error::Inconsistent { .. }) => self.bury(job, &error).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }

    /// Gives a job up whose lead cannot be read: it never can be by itself.
    async fn bury(&self, job: &sync_job::Model, problem: &Error) -> Result<()> {
        tracing::error!(lead.id = %job.lead_id, error = %problem, "a lead cannot be read, its sync is given up");
        let reason = Reason {
            code: "UNREADABLE_LEAD".to_owned(),
            message: format!("what is stored of the lead cannot be read: {problem}"),
            hint: "check that the key-encryption key is the one that the data was stored with, or restore the row \
                   from a backup, then sync the lead again"
                .to_owned(),
            ..Reason::default()
        };
        let transaction = self.begin().await?;
        scope::update_any::<sync_job::Entity>()
            .filter(sync_job::Column::Id.eq(job.id))
            .filter(sync_job::Column::LeaseToken.eq(job.lease_token))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Dead.word()))
            .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(
                sync_job::Column::Reason,
                Expr::value(Some(rows::to_json(&reason))),
            )
            .exec(&*transaction)
            .await?;
        self.tell_given_up(&transaction, std::slice::from_ref(job), &reason)
            .await?;
        transaction.commit().await
    }
}

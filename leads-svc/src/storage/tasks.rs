//! Connection tasks: what only a connector can do with a vendor.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use uuid::Uuid;

pub use super::checked::Outcome;
use super::{
    Store, audit, checked,
    connections::{self, Connection, State},
    crypto::WorkspaceKeys,
    entity::{connection, connection_task},
    error::Result,
    jobs::report::Receipt,
    rows, scope,
};
use crate::domain::{
    audit::{Act, Action},
    sync::{Provider, Reason},
};

pub(super) const PROBLEM: &str = "connection_tasks.problem_sealed";
const CONNECT: &str = "connect";
/// How long a check is tried while the vendor cannot be asked, before it counts as failed: credentials are lost then.
const HORIZON: TimeDelta = TimeDelta::hours(1);

/// Tasks that are hinted at once.
const MAX_HINTED: u64 = 100;

/// A task with its lease.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The task.
    pub id: Uuid,
    /// Proves the lease.
    pub token: Uuid,
    /// Which connection.
    pub connection: Uuid,
    candidate: Candidate,
}

/// What takes effect when its check succeeds.
#[derive(Debug, Clone)]
struct Candidate {
    /// Sealed for its place in the connection; `None` if the connection's own credentials are checked.
    sealed: Option<Vec<u8>>,
    field_mapping: Option<sea_orm::JsonValue>,
}

/// How the newest check of a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Whether it succeeded or failed.
    pub settled: bool,
    /// Why the last try did not succeed.
    pub problem: Option<Reason>,
}

impl Store {
    /// Creates a connection, or owes the check of new credentials for the one that exists, in the name of `by`: they take
    /// effect once it has succeeded. An older check is void from then on.
    ///
    /// # Errors
    /// The database; `Conflict` if somebody else created it at the same time.
    pub async fn connect_provider(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        provider: Provider,
        secret: &str,
        field_mapping: &BTreeMap<String, String>,
        by: &str,
    ) -> Result<Uuid> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let known = scope::select::<connection::Entity>(workspace)
            .filter(connection::Column::Provider.eq(provider.name()))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let id = known
            .as_ref()
            .map_or_else(|| leads_runtime::ids::new_id(&self.clock), |row| row.id);
        let sealed = connections::seal_secret(keys, id, secret)?;
        let field_mapping = rows::to_json(field_mapping);
        if known.is_some() {
            // One that failed has nothing that could go on working.
            scope::update::<connection::Entity>(workspace)
                .filter(connection::Column::Id.eq(id))
                .filter(connection::Column::State.eq(State::Failed.word()))
                .col_expr(connection::Column::State, Expr::value(State::Connecting.word()))
                .col_expr(connection::Column::ProblemSealed, Expr::value(None::<Vec<u8>>))
                .exec(&*transaction)
                .await?;
        } else {
            let row = connection::Model {
                id,
                workspace_id: workspace,
                provider: provider.name().to_owned(),
                state: State::Connecting.word().to_owned(),
                sealed: sealed.clone(),
                field_mapping: field_mapping.clone(),
                account_id: String::new(),
                ui_domain: String::new(),
                limits: None,
                problem_sealed: None,
                created_at: now,
                checked_at: None,
                paused_until: None,
                resting_until: None,
                trips: 0,
                backfill_at: None,
                backfills: 0,
                backfill_time: None,
                backfill_lead: None,
                version: 1,
                counted_from: None,
                answered: 0,
                failed: 0,
                refresh_lease: None,
                refresh_until: None,
            };
            transaction
                .insert::<connection::Entity>(workspace, vec![row])
                .await?;
        }
        scope::delete::<connection_task::Entity>(workspace)
            .filter(connection_task::Column::ConnectionId.eq(id))
            .exec(&*transaction)
            .await?;
        let task = connection_task::Model {
            id: leads_runtime::ids::new_id(&self.clock),
            workspace_id: workspace,
            connection_id: id,
            provider: provider.name().to_owned(),
            kind: CONNECT.to_owned(),
            state: "pending".to_owned(),
            attempt: 0,
            next_at: now,
            lease_token: None,
            reported_token: None,
            lease_until: None,
            created_at: now,
            sealed: Some(sealed),
            field_mapping: Some(field_mapping),
            problem_sealed: None,
        };
        transaction
            .insert::<connection_task::Entity>(workspace, vec![task])
            .await?;
        let act =
            Act::new(by, Action::ConnectionMade, connections::subject(id)).with("provider", provider.name());
        audit::append(&transaction, keys, workspace, act, now).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// How the newest check of a connection stands.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_check(&self, workspace: Uuid, connection: Uuid) -> Result<Option<Check>> {
        let row = scope::select::<connection_task::Entity>(workspace)
            .filter(connection_task::Column::ConnectionId.eq(connection))
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let keys = self.workspace_keys(workspace).await?;
        Ok(Some(Check {
            settled: matches!(row.state.as_str(), "done" | "failed"),
            problem: row
                .problem_sealed
                .map(|sealed| rows::open_json(&*keys, PROBLEM, row.id, &sealed))
                .transpose()?,
        }))
    }

    /// The connection that a task checks, with the credentials and the mapping to check.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn connection_to_check(
        &self,
        provider: Provider,
        task: &Leased,
    ) -> Result<Option<(Connection, String)>> {
        let found = self.connection_with_secret(provider, task.connection).await?;
        let Some((mut connection, mut secret)) = found else {
            return Ok(None);
        };
        let Candidate {
            sealed,
            field_mapping,
        } = &task.candidate;
        if let Some(sealed) = sealed {
            let keys = self.workspace_keys(connection.workspace).await?;
            secret = connections::open_secret(&keys, connection.id, sealed)?;
        }
        if let Some(mapping) = field_mapping {
            connection.field_mapping = connections::read_mapping(connection.id, mapping.clone())?;
        }
        Ok(Some((connection, secret)))
    }

    /// Due tasks of a destination with their workspaces, for their stream entries.
    ///
    /// # Errors
    /// The database.
    pub async fn due_tasks(&self, provider: Provider) -> Result<Vec<(Uuid, Uuid)>> {
        Ok(scope::select_any::<connection_task::Entity>()
            .select_only()
            .columns([connection_task::Column::Id, connection_task::Column::WorkspaceId])
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .filter(connection_task::Column::State.eq("pending"))
            .filter(connection_task::Column::NextAt.lte(self.clock.now()))
            .limit(MAX_HINTED)
            .into_tuple()
            .all(self.reader())
            .await?)
    }

    /// Takes due tasks of a destination.
    ///
    /// # Errors
    /// The database; nothing is taken then.
    pub async fn claim_tasks(&self, provider: Provider, most: u64, lease: Duration) -> Result<Vec<Leased>> {
        let now = self.clock.now();
        let token = leads_runtime::ids::new_id(&self.clock);
        let transaction = self.begin().await?;
        let due: Vec<Uuid> = scope::select_any::<connection_task::Entity>()
            .select_only()
            .column(connection_task::Column::Id)
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .filter(connection_task::Column::State.eq("pending"))
            .filter(connection_task::Column::NextAt.lte(now))
            .order_by_asc(connection_task::Column::NextAt)
            .limit(most)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .into_tuple()
            .all(&*transaction)
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let taken = scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.is_in(due))
            .filter(connection_task::Column::State.eq("pending"))
            .col_expr(connection_task::Column::State, Expr::value("running"))
            .col_expr(connection_task::Column::LeaseToken, Expr::value(Some(token)))
            .col_expr(
                connection_task::Column::LeaseUntil,
                Expr::value(Some(now + lease)),
            )
            .col_expr(
                connection_task::Column::Attempt,
                Expr::col(connection_task::Column::Attempt).add(1),
            )
            .exec_with_returning(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(taken
            .into_iter()
            .map(|row| Leased {
                id: row.id,
                token,
                connection: row.connection_id,
                candidate: Candidate {
                    sealed: row.sealed,
                    field_mapping: row.field_mapping,
                },
            })
            .collect())
    }

    /// Records what became of a task, and with it the state of the connection.
    ///
    /// # Errors
    /// The database; nothing is recorded then, and the same report may come again.
    pub async fn report_task(
        &self,
        provider: Provider,
        id: Uuid,
        token: Uuid,
        outcome: Outcome,
    ) -> Result<Receipt> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let task = scope::select_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.eq(id))
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .one(&*transaction)
            .await?;
        let Some(task) = task else {
            return Ok(Receipt::Gone);
        };
        if task.reported_token == Some(token) {
            return Ok(Receipt::Recorded);
        }
        if task.lease_token != Some(token) {
            return Ok(Receipt::LeaseLost);
        }
        let outcome = match outcome {
            Outcome::Retry { reason, .. } if now - task.created_at > HORIZON => Outcome::Failed(reason),
            other => other,
        };
        let (state, next_at) = match &outcome {
            Outcome::Connected(_) => ("done", task.next_at),
            Outcome::Failed(_) => ("failed", task.next_at),
            Outcome::Retry { after, .. } => (
                "pending",
                now + after
                    .unwrap_or_default()
                    .max(Duration::from_secs(1 << task.attempt.clamp(0, 6))),
            ),
        };
        let keys = self.workspace_keys(task.workspace_id).await?;
        let problem = match &outcome {
            Outcome::Connected(_) => None,
            Outcome::Failed(reason) | Outcome::Retry { reason, .. } => {
                Some(rows::seal_json(&*keys, PROBLEM, id, reason)?)
            }
        };
        let mut change = scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.eq(id))
            .filter(connection_task::Column::LeaseToken.eq(token))
            .col_expr(connection_task::Column::State, Expr::value(state))
            .col_expr(connection_task::Column::NextAt, Expr::value(next_at))
            .col_expr(connection_task::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(connection_task::Column::ReportedToken, Expr::value(Some(token)))
            .col_expr(connection_task::Column::ProblemSealed, Expr::value(problem));
        if !matches!(outcome, Outcome::Retry { .. }) {
            // Credentials that work are in the connection; those that do not are of no use.
            change = change.col_expr(connection_task::Column::Sealed, Expr::value(None::<Vec<u8>>));
        }
        if change.exec(&*transaction).await?.rows_affected == 0 {
            return Ok(Receipt::LeaseLost);
        }
        let workspace = self.find_workspace(task.workspace_id).await?;
        let settings = workspace.map(|workspace| workspace.settings).unwrap_or_default();
        checked::settle(&transaction, &keys, &settings, task, &outcome, now).await?;
        transaction.commit().await?;
        Ok(Receipt::Recorded)
    }

    /// Brings back tasks whose lease ran out.
    ///
    /// # Errors
    /// The database; the next sweep does it then.
    pub async fn sweep_tasks(&self) -> Result<u64> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let swept = scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::State.eq("running"))
            .filter(connection_task::Column::LeaseUntil.lte(now))
            .col_expr(connection_task::Column::State, Expr::value("pending"))
            .col_expr(connection_task::Column::LeaseToken, Expr::value(None::<Uuid>))
            .col_expr(connection_task::Column::NextAt, Expr::value(now))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(swept.rows_affected)
    }
}

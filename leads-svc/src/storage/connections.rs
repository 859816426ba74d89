//! Connections to CRMs.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Store, audit,
    crypto::WorkspaceKeys,
    entity::{connection, connection_task, connector_replica, sync_job},
    error::Result,
    rows, scope, tasks,
};
use crate::domain::{
    audit::{Act, Action},
    ids,
    sync::{Provider, Reason},
};

const COLUMN: &str = "connections.sealed";
/// Backfills after a change: one at once, one after every transaction that had not seen the change has ended.
const BACKFILLS: i32 = 2;
const BETWEEN_BACKFILLS: Duration = Duration::from_secs(30);

/// Whether a connection works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The connector is checking it.
    Connecting,
    /// It works.
    Connected,
    /// It has to rest, or a person has to act.
    Paused,
    /// The check failed.
    Failed,
}

impl State {
    const ALL: [State; 4] = [State::Connecting, State::Connected, State::Paused, State::Failed];

    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            State::Connecting => "connecting",
            State::Connected => "connected",
            State::Paused => "paused",
            State::Failed => "failed",
        }
    }
}

/// What a vendor allows an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Calls in any window.
    pub calls: i32,
    /// Length of the window.
    pub window_ms: u64,
    /// Calls a day; 0 is unlimited or unknown.
    pub daily_calls: i32,
}

/// A connection as stored, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Identifier.
    pub id: Uuid,
    /// Whose.
    pub workspace: Uuid,
    /// Which CRM.
    pub provider: Provider,
    /// Whether it works.
    pub state: State,
    /// Why it does not.
    pub problem: Option<Reason>,
    /// Lead field to property, where it differs from the default.
    pub field_mapping: BTreeMap<String, String>,
    /// The vendor's account; empty before the first check.
    pub account_id: String,
    /// Host of the vendor's pages; empty before the first check.
    pub ui_domain: String,
    /// The account's limits.
    pub limits: Option<Limits>,
    /// Creation.
    pub created_at: DateTime<Utc>,
    /// Last check.
    pub checked_at: Option<DateTime<Utc>>,
    /// End of a pause.
    pub paused_until: Option<DateTime<Utc>>,
    /// End of the breaker's rest.
    pub resting_until: Option<DateTime<Utc>>,
    /// How often the breaker opened since the last success.
    pub trips: i32,
}

/// What a successful check learned.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The vendor's account.
    pub account_id: String,
    /// Host of the vendor's pages.
    pub ui_domain: String,
    /// The account's limits.
    pub limits: Option<Limits>,
}

impl Store {
    /// Creates a connection or replaces its credentials, in the name of `by`, and owes the check.
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
            .one(&*transaction)
            .await?;
        let id = known
            .as_ref()
            .map_or_else(|| leads_runtime::ids::new_id(&self.clock), |row| row.id);
        let sealed = rows::seal(keys, COLUMN, id, secret.as_bytes())?;
        if known.is_some() {
            scope::update::<connection::Entity>(workspace)
                .filter(connection::Column::Id.eq(id))
                .col_expr(connection::Column::State, Expr::value(State::Connecting.word()))
                .col_expr(connection::Column::Sealed, Expr::value(sealed))
                .col_expr(
                    connection::Column::FieldMapping,
                    Expr::value(rows::to_json(field_mapping)),
                )
                .col_expr(
                    connection::Column::Problem,
                    Expr::value(None::<sea_orm::JsonValue>),
                )
                .exec(&*transaction)
                .await?;
        } else {
            let row = connection::Model {
                id,
                workspace_id: workspace,
                provider: provider.name().to_owned(),
                state: State::Connecting.word().to_owned(),
                sealed,
                field_mapping: rows::to_json(field_mapping),
                account_id: String::new(),
                ui_domain: String::new(),
                limits: None,
                problem: None,
                created_at: now,
                checked_at: None,
                paused_until: None,
                resting_until: None,
                trips: 0,
                backfill_at: None,
                backfills: 0,
            };
            transaction.insert::<connection::Entity>(vec![row]).await?;
        }
        tasks::owe_check(
            &transaction,
            workspace,
            id,
            provider,
            leads_runtime::ids::new_id(&self.clock),
            now,
        )
        .await?;
        let act = Act::new(by, Action::ConnectionMade, subject(id)).with("provider", provider.name());
        audit::append(&transaction, keys, workspace, act, now).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Connections of a workspace.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn connections(&self, workspace: Uuid) -> Result<Vec<Connection>> {
        scope::select::<connection::Entity>(workspace)
            .order_by_asc(connection::Column::Provider)
            .all(self.reader())
            .await?
            .into_iter()
            .map(connection)
            .collect()
    }

    /// A connection of a destination.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_connection(&self, provider: Provider, id: Uuid) -> Result<Option<Connection>> {
        scope::select_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::Provider.eq(provider.name()))
            .one(self.reader())
            .await?
            .map(connection)
            .transpose()
    }

    /// A connection of a destination and its secret: for its connector.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn connection_with_secret(
        &self,
        provider: Provider,
        id: Uuid,
    ) -> Result<Option<(Connection, String)>> {
        let row = scope::select_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::Provider.eq(provider.name()))
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let keys = self.workspace_keys(row.workspace_id).await?;
        let secret = rows::open(&keys, COLUMN, id, &row.sealed)?;
        let secret = String::from_utf8(secret)
            .map_err(|problem| super::Error::inconsistent("connections", "sealed", id, problem))?;
        Ok(Some((connection(row)?, secret)))
    }

    /// Ends a connection with everything that is owed through it, in the name of `by`; false if there is none.
    ///
    /// # Errors
    /// The database.
    pub async fn disconnect_provider(&self, workspace: Uuid, provider: Provider, by: &str) -> Result<bool> {
        let keys = self.workspace_keys(workspace).await?;
        let transaction = self.begin().await?;
        let known = scope::select::<connection::Entity>(workspace)
            .filter(connection::Column::Provider.eq(provider.name()))
            .one(&*transaction)
            .await?;
        let Some(known) = known else { return Ok(false) };
        scope::delete::<sync_job::Entity>(workspace)
            .filter(sync_job::Column::ConnectionId.eq(known.id))
            .exec(&*transaction)
            .await?;
        scope::delete::<connection_task::Entity>(workspace)
            .filter(connection_task::Column::ConnectionId.eq(known.id))
            .exec(&*transaction)
            .await?;
        scope::delete::<connection::Entity>(workspace)
            .filter(connection::Column::Id.eq(known.id))
            .exec(&*transaction)
            .await?;
        let act = Act::new(by, Action::ConnectionEnded, subject(known.id)).with("provider", provider.name());
        audit::append(&transaction, &keys, workspace, act, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Opens the breaker of a connection: nothing is sent through it for `rest`, then one job at a time until one
    /// succeeds.
    ///
    /// # Errors
    /// The database.
    pub async fn rest_connection(&self, id: Uuid, rest: Duration) -> Result<()> {
        let transaction = self.begin().await?;
        scope::update_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .col_expr(
                connection::Column::RestingUntil,
                Expr::value(Some(self.clock.now() + rest)),
            )
            .col_expr(connection::Column::Trips, {
                use sea_orm::sea_query::ExprTrait;
                Expr::col(connection::Column::Trips).add(1)
            })
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }

    /// Closes the breaker and ends a pause: the vendor answered.
    ///
    /// # Errors
    /// The database.
    pub async fn heal_connection(&self, id: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        scope::update_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::State.is_in([State::Connected.word(), State::Paused.word()]))
            .col_expr(connection::Column::State, Expr::value(State::Connected.word()))
            .col_expr(
                connection::Column::Problem,
                Expr::value(None::<sea_orm::JsonValue>),
            )
            .col_expr(
                connection::Column::PausedUntil,
                Expr::value(None::<DateTime<Utc>>),
            )
            .col_expr(
                connection::Column::RestingUntil,
                Expr::value(None::<DateTime<Utc>>),
            )
            .col_expr(connection::Column::Trips, Expr::value(0))
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }

    /// A connection whose leads are to be looked through now, if there is one.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_due_backfill(&self) -> Result<Option<Connection>> {
        scope::select_any::<connection::Entity>()
            .filter(connection::Column::BackfillAt.lte(self.clock.now()))
            .filter(connection::Column::State.is_in([State::Connected.word(), State::Paused.word()]))
            .order_by_asc(connection::Column::BackfillAt)
            .limit(1)
            .one(self.reader())
            .await?
            .map(connection)
            .transpose()
    }

    /// Notes that a connection's leads were looked through: once more later, then no more until something changes.
    ///
    /// # Errors
    /// The database.
    pub async fn finish_backfill(&self, id: Uuid) -> Result<()> {
        use sea_orm::sea_query::ExprTrait;
        let later = self.clock.now() + BETWEEN_BACKFILLS;
        let transaction = self.begin().await?;
        scope::update_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .col_expr(
                connection::Column::BackfillAt,
                Expr::case(
                    Expr::col(connection::Column::Backfills).lt(BACKFILLS - 1),
                    Expr::value(Some(later)),
                )
                .finally(Expr::value(None::<DateTime<Utc>>))
                .into(),
            )
            .col_expr(
                connection::Column::Backfills,
                Expr::col(connection::Column::Backfills).add(1),
            )
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }

    /// Notes that a connector process lives, and counts those of its destination that were heard of within `within`.
    ///
    /// # Errors
    /// The database.
    pub async fn heartbeat(&self, destination: &str, replica: &str, within: Duration) -> Result<u64> {
        use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait, sea_query::OnConflict};
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let row = connector_replica::ActiveModel {
            destination: Set(destination.to_owned()),
            replica: Set(replica.to_owned()),
            seen_at: Set(now),
        };
        connector_replica::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([
                    connector_replica::Column::Destination,
                    connector_replica::Column::Replica,
                ])
                .update_column(connector_replica::Column::SeenAt)
                .to_owned(),
            )
            .exec_without_returning(&*transaction)
            .await?;
        scope::delete_any::<connector_replica::Entity>()
            .filter(connector_replica::Column::SeenAt.lt(now - within))
            .exec(&*transaction)
            .await?;
        let live = scope::select_any::<connector_replica::Entity>()
            .filter(connector_replica::Column::Destination.eq(destination))
            .count(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(live)
    }
}

fn connection(row: connection::Model) -> Result<Connection> {
    let id = row.id;
    Ok(Connection {
        id,
        workspace: row.workspace_id,
        provider: rows::word(
            Provider::parse(&row.provider),
            "connections.provider",
            id,
            &row.provider,
        )?,
        state: rows::word(
            State::ALL.into_iter().find(|state| state.word() == row.state),
            "connections.state",
            id,
            &row.state,
        )?,
        problem: row
            .problem
            .map(|problem| rows::json("connections.problem", id, problem))
            .transpose()?,
        field_mapping: rows::json("connections.field_mapping", id, row.field_mapping)?,
        account_id: row.account_id,
        ui_domain: row.ui_domain,
        limits: row
            .limits
            .map(|limits| rows::json("connections.limits", id, limits))
            .transpose()?,
        created_at: row.created_at,
        checked_at: row.checked_at,
        paused_until: row.paused_until,
        resting_until: row.resting_until,
        trips: row.trips,
    })
}

/// A connection as the audit log names it.
pub(super) fn subject(id: Uuid) -> String {
    ids::format::<ids::Connection>(id)
}

//! Connections to CRMs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Store, audit,
    crypto::WorkspaceKeys,
    entity::{connection, connection_task, sync_job},
    erasures,
    error::{Error, Result},
    rows, scope,
};
use crate::domain::{
    audit::{Act, Action},
    erasure::NOT_CONNECTED,
    ids,
    sync::{Provider, Reason},
};

pub(super) const SECRET: &str = "connections.sealed";
pub(super) const PROBLEM: &str = "connections.problem_sealed";

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
    /// Rises whenever credentials, mapping or what the check found may have changed.
    pub version: i64,
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
    /// Connections of a workspace.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn connections(&self, workspace: Uuid) -> Result<Vec<Connection>> {
        let rows = scope::select::<connection::Entity>(workspace)
            .order_by_asc(connection::Column::Provider)
            .all(self.reader())
            .await?;
        let keys = self.workspace_keys(workspace).await?;
        rows.into_iter().map(|row| connection(&keys, row)).collect()
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
        let secret = open_secret(&keys, id, &row.sealed)?;
        Ok(Some((connection(&keys, row)?, secret)))
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
        let now = self.clock.now();
        let ended = erasures::unreachable(&transaction, known.id, NOT_CONNECTED, now).await?;
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
        for act in ended.into_iter().map(|(_, act)| act).chain([act]) {
            audit::append(&transaction, &keys, workspace, act, now).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}

/// The version after a change.
pub(super) fn next_version() -> SimpleExpr {
    Expr::col(connection::Column::Version).add(1)
}

/// Credentials as they are stored.
pub(super) fn seal_secret(keys: &WorkspaceKeys, id: Uuid, secret: &str) -> Result<Vec<u8>> {
    rows::seal(keys, SECRET, id, secret.as_bytes())
}

pub(super) fn open_secret(keys: &WorkspaceKeys, id: Uuid, sealed: &[u8]) -> Result<String> {
    String::from_utf8(rows::open(keys, SECRET, id, sealed)?)
        .map_err(|problem| Error::inconsistent("connections", "sealed", id, problem))
}

/// Why a connection does not work, encrypted: a CRM's words may quote a person or a token.
pub(super) fn seal_problem(keys: &WorkspaceKeys, id: Uuid, problem: &Reason) -> Result<Vec<u8>> {
    rows::seal_json(keys, PROBLEM, id, problem)
}

pub(super) fn read_mapping(id: Uuid, stored: sea_orm::JsonValue) -> Result<BTreeMap<String, String>> {
    rows::json("connections.field_mapping", id, stored)
}

fn connection(keys: &WorkspaceKeys, row: connection::Model) -> Result<Connection> {
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
            .problem_sealed
            .map(|sealed| rows::open_json(keys, PROBLEM, id, &sealed))
            .transpose()?,
        field_mapping: read_mapping(id, row.field_mapping)?,
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
        version: row.version,
    })
}

/// A connection as the audit log names it.
pub(super) fn subject(id: Uuid) -> String {
    ids::format::<ids::Connection>(id)
}

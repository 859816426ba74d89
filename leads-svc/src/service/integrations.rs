//! Connections to CRMs, as their workspace sees them.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use super::{
    core::Core,
    error::{Error, Result},
    principal::{Principal, Scope},
};
pub use crate::storage::connections::{Connection, State};
use crate::{
    domain::{
        plan::{Entitlement, Limit},
        sync::{Provider, Reason},
    },
    storage,
};

/// How long a call waits for the connector's check.
const WAIT: Duration = Duration::from_secs(8);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Owed syncs are counted up to this.
const MAX_COUNTED: u64 = 10_000;

/// A connection with the number of syncs that it is owed.
#[derive(Debug)]
pub struct Owing {
    /// The connection.
    pub connection: Connection,
    /// Leads whose newest revision the CRM lacks, counted up to 10,000.
    pub owed: u64,
}

impl Core {
    /// Connects a CRM, or gives a connection new credentials, and waits a while for the connector's check. A connection
    /// that works goes on with its old ones until the check has succeeded; if it fails, the answer says why.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `PLAN_REQUIRED`, `PLAN_LIMIT`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn connect_provider(
        &self,
        principal: &Principal,
        provider: Provider,
        secret: &str,
        field_mapping: &BTreeMap<String, String>,
    ) -> Result<Owing> {
        principal.require(Scope::IntegrationsWrite)?;
        let workspace = principal.workspace()?;
        let facts = self.facts(workspace).await?;
        facts.require(Entitlement::CrmSync)?;
        let others = facts
            .connections
            .iter()
            .filter(|other| other.provider != provider);
        facts.require_room(Limit::Connections, others.count() as u64)?;
        let keys = self.store.workspace_keys(workspace).await?;
        let id = self
            .store
            .connect_provider(
                workspace,
                &keys,
                provider,
                secret,
                field_mapping,
                &principal.actor(),
            )
            .await?;
        tracing::info!(workspace.id = %workspace, provider = provider.name(), by = principal.key_id(), "connection asked for");
        self.forget(workspace).await;
        self.wake_delivery();
        if let Ok(settled) = tokio::time::timeout(WAIT, self.checked(workspace, id)).await {
            settled?;
        } else {
            tracing::warn!(connection.id = %id, "no connector has checked the connection in time");
        }
        self.forget(workspace).await;
        let mut owing = self.get_connection_unchecked(workspace, provider).await?;
        // What the caller is told first is what became of these credentials.
        let problem = self.check_problem(&owing.connection).await?;
        owing.connection.problem = problem.or(owing.connection.problem);
        Ok(owing)
    }

    /// One connection.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn get_connection(&self, principal: &Principal, provider: Provider) -> Result<Owing> {
        principal.require(Scope::IntegrationsRead)?;
        self.get_connection_unchecked(principal.workspace()?, provider)
            .await
    }

    /// All connections.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn list_connections(&self, principal: &Principal) -> Result<Vec<Owing>> {
        principal.require(Scope::IntegrationsRead)?;
        let mut all = Vec::new();
        for connection in self.store.connections(principal.workspace()?).await? {
            all.push(self.owing(connection).await?);
        }
        Ok(all)
    }

    /// Ends a connection.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn disconnect_provider(&self, principal: &Principal, provider: Provider) -> Result<()> {
        principal.require(Scope::IntegrationsWrite)?;
        let workspace = principal.workspace()?;
        if !self
            .store
            .disconnect_provider(workspace, provider, &principal.actor())
            .await?
        {
            return Err(Error::not_found("connection"));
        }
        tracing::info!(workspace.id = %workspace, provider = provider.name(), by = principal.key_id(), "connection ended");
        self.forget(workspace).await;
        Ok(())
    }

    /// Waits until the newest check of a connection has succeeded or failed.
    async fn checked(&self, workspace: Uuid, connection: Uuid) -> storage::Result<()> {
        loop {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            let check = self.store.find_check(workspace, connection).await?;
            if check.is_none_or(|check| check.settled) {
                return Ok(());
            }
        }
    }

    /// Why the newest credentials are not the ones that are used.
    async fn check_problem(&self, connection: &Connection) -> Result<Option<Reason>> {
        let check = self.store.find_check(connection.workspace, connection.id).await?;
        let Some(check) = check else { return Ok(None) };
        let waits = !check.settled && connection.state != State::Connecting;
        Ok(check.problem.or_else(|| {
            waits.then(|| Reason {
                code: "CHECKING".to_owned(),
                message: "the new credentials are being checked; until then the old ones are used".to_owned(),
                hint: "look at the connection again".to_owned(),
                ..Reason::default()
            })
        }))
    }

    async fn get_connection_unchecked(&self, workspace: Uuid, provider: Provider) -> Result<Owing> {
        let found = self.store.connections(workspace).await?;
        let connection = found
            .into_iter()
            .find(|connection| connection.provider == provider)
            .ok_or_else(|| Error::not_found("connection"))?;
        self.owing(connection).await
    }

    async fn owing(&self, mut connection: Connection) -> Result<Owing> {
        if connection.problem.is_none() {
            connection.problem = self.check_problem(&connection).await?;
        }
        let owed = self
            .store
            .count_owed(connection.workspace, connection.id, MAX_COUNTED)
            .await?;
        Ok(Owing { connection, owed })
    }
}

//! Sessions of connections: who may ask a vendor for a new one, and what came of it.
//!
//! What is stored: on each connection the newest right to renew its session and its end, and the session within the
//! sealed credentials. How it moves: the right is taken by compare-and-set on the connection's version, before the vendor
//! is called; the session is kept under that right, before anybody uses it, and makes a new version. What must hold: two
//! replicas never spend one refresh token, and credentials that were replaced meanwhile do not come back.

use std::time::Duration;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{
    Store,
    connections::{next_version, open_secret, seal_secret},
    entity::{connection, connection_task},
    error::Result,
    jobs::report::Receipt,
    scope,
};
use crate::domain::{
    salesforce::{Salesforce, Session},
    sync::Provider,
};

/// The answer to who wants to renew a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// The right, for a while.
    Granted(Uuid),
    /// Another has it for so long.
    Held(Duration),
    /// The connection has changed: the session may be a new one already.
    Newer,
}

/// What a session belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A connection.
    Connection(Uuid),
    /// The credentials that a task checks.
    Task(Uuid),
}

impl Store {
    /// Takes the right to renew a connection's session, or says why not; none if there is no such connection.
    ///
    /// # Errors
    /// The database.
    pub async fn lease_token(
        &self,
        provider: Provider,
        id: Uuid,
        version: i64,
        lease: Duration,
    ) -> Result<Option<Lease>> {
        let now = self.clock.now();
        let token = leads_runtime::ids::new_id(&self.clock);
        let free = Condition::any()
            .add(connection::Column::RefreshUntil.is_null())
            .add(connection::Column::RefreshUntil.lte(now));
        let transaction = self.begin().await?;
        let taken = scope::update_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::Provider.eq(provider.name()))
            .filter(connection::Column::Version.eq(version))
            .filter(free)
            .col_expr(connection::Column::RefreshLease, Expr::value(Some(token)))
            .col_expr(connection::Column::RefreshUntil, Expr::value(Some(now + lease)))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        if taken.rows_affected > 0 {
            return Ok(Some(Lease::Granted(token)));
        }
        let row = scope::select_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::Provider.eq(provider.name()))
            .one(self.reader())
            .await?;
        Ok(row.map(|row| match row.refresh_until {
            Some(until) if row.version == version => Lease::Held((until - now).to_std().unwrap_or_default()),
            Some(_) | None => Lease::Newer,
        }))
    }

    /// Keeps a session, and the refresh token that came with it. The version is that of the connection with it; 0 for a
    /// task.
    ///
    /// # Errors
    /// The database, or a row that cannot be read; nothing is kept then.
    pub async fn put_token(
        &self,
        provider: Provider,
        target: Target,
        token: Uuid,
        session: Session,
        refresh_token: Option<String>,
    ) -> Result<(Receipt, i64)> {
        match target {
            Target::Connection(id) => {
                self.put_on_connection(provider, id, token, session, refresh_token)
                    .await
            }
            Target::Task(id) => {
                self.put_on_task(provider, id, token, session, refresh_token)
                    .await
            }
        }
    }

    async fn put_on_connection(
        &self,
        provider: Provider,
        id: Uuid,
        token: Uuid,
        session: Session,
        refresh_token: Option<String>,
    ) -> Result<(Receipt, i64)> {
        let transaction = self.begin().await?;
        let row = scope::select_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::Provider.eq(provider.name()))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(row) = row else {
            return Ok((Receipt::Gone, 0));
        };
        if row.refresh_lease != Some(token) {
            return Ok((Receipt::LeaseLost, 0));
        }
        let keys = self.workspace_keys(row.workspace_id).await?;
        let stored = open_secret(&keys, id, &row.sealed)?;
        let Some(renewed) = renewed(&stored, session, refresh_token) else {
            return Ok((Receipt::Gone, 0));
        };
        if renewed == stored {
            return Ok((Receipt::Recorded, row.version));
        }
        scope::update_any::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .filter(connection::Column::RefreshLease.eq(token))
            .col_expr(
                connection::Column::Sealed,
                Expr::value(seal_secret(&keys, id, &renewed)?),
            )
            // The token stays: the same call may come again.
            .col_expr(
                connection::Column::RefreshUntil,
                Expr::value(None::<chrono::DateTime<chrono::Utc>>),
            )
            .col_expr(connection::Column::Version, next_version())
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok((Receipt::Recorded, row.version + 1))
    }

    async fn put_on_task(
        &self,
        provider: Provider,
        id: Uuid,
        token: Uuid,
        session: Session,
        refresh_token: Option<String>,
    ) -> Result<(Receipt, i64)> {
        let transaction = self.begin().await?;
        let row = scope::select_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.eq(id))
            .filter(connection_task::Column::Provider.eq(provider.name()))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(row) = row else {
            return Ok((Receipt::Gone, 0));
        };
        let Some(sealed) = row.sealed.filter(|_| row.lease_token == Some(token)) else {
            return Ok((Receipt::LeaseLost, 0));
        };
        let keys = self.workspace_keys(row.workspace_id).await?;
        let stored = open_secret(&keys, row.connection_id, &sealed)?;
        let Some(renewed) = renewed(&stored, session, refresh_token) else {
            return Ok((Receipt::Gone, 0));
        };
        let sealed = seal_secret(&keys, row.connection_id, &renewed)?;
        scope::update_any::<connection_task::Entity>()
            .filter(connection_task::Column::Id.eq(id))
            .filter(connection_task::Column::LeaseToken.eq(token))
            .col_expr(connection_task::Column::Sealed, Expr::value(Some(sealed)))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok((Receipt::Recorded, 0))
    }
}

/// The credentials with a session; none if they are of a CRM that has no sessions.
fn renewed(stored: &str, session: Session, refresh_token: Option<String>) -> Option<String> {
    let stored = Salesforce::read(stored).ok()?;
    Some(stored.with_session(session, refresh_token).secret())
}

//! Sessions of connections: kept until Salesforce ends them, and renewed by one replica for all.
//!
//! What is stored: per connection the session that was used last; leads-svc has the newest, with the credentials.
//!
//! How it moves: a session that Salesforce does not take is replaced by the newest that leads-svc has; if that is the same
//! one, the right to renew it is taken from leads-svc, a new one is asked for, and it is kept there before anybody uses
//! it, since a refresh token may be void from the moment that its successor is made.
//!
//! What must hold: of all replicas one asks at a time; within a process the others wait for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use leads_proto::leads::connector::v1::get_connection_response::Credentials;
use leads_proto::leads::connector::v1::put_connection_token_request::Target;
use leads_runtime::clock::Clock;
use leads_runtime::delivery::connector::Task;
use leads_runtime::delivery::{Connection, LeadsService, LeaseBudget, Outcome, VendorCall, VendorCalls};
use tokio::time::sleep;

use crate::api::{Granted, Rules};
use crate::errors::{no_credentials, not_sent};
use crate::login;

/// How often leads-svc is asked whether another replica has a session by now.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// Tries to keep a session that is there already; it must not be lost.
const PUTS: u32 = 20;
/// Connections beyond this many make the others go.
const MANY: usize = 10_000;
/// Where a test can kill the process: the old refresh token is spent, and its successor is kept nowhere.
pub const AFTER_REFRESH: &str = "salesforce.after_token_refresh";

/// A session.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Bearer token.
    pub access_token: String,
    /// Scheme and host.
    pub instance_url: String,
    /// Version of the connection that it came with.
    pub version: i64,
}

/// Sessions of this process. Clones share them.
#[derive(Clone)]
pub struct Sessions {
    calls: VendorCalls,
    leads: LeadsService,
    rules: Rules,
    clock: Clock,
    slots: Arc<Mutex<HashMap<String, Arc<Slot>>>>,
}

type Slot = tokio::sync::Mutex<Option<Session>>;

impl Sessions {
    /// No sessions yet.
    pub fn new(calls: VendorCalls, leads: LeadsService, rules: Rules, clock: Clock) -> Self {
        Self {
            calls,
            leads,
            rules,
            clock,
            slots: Arc::default(),
        }
    }

    /// The connection's session; a new one if there is none.
    ///
    /// # Errors
    /// What becomes of those who need it.
    pub async fn open(&self, connection: &Connection, lease: &LeaseBudget) -> Result<Session, Outcome> {
        let slot = self.slot(&connection.id);
        let mut slot = slot.lock().await;
        if let Some(session) = slot.as_ref()
            && session.version >= connection.settings.version
        {
            return Ok(session.clone());
        }
        let session = match kept(&connection.settings) {
            Some(session) => session,
            None => self.renewed(connection, None, lease).await?,
        };
        *slot = Some(session.clone());
        Ok(session)
    }

    /// A session in place of one that Salesforce does not take.
    ///
    /// # Errors
    /// What becomes of those who need it.
    pub async fn renew(
        &self,
        connection: &Connection,
        ended: &Session,
        lease: &LeaseBudget,
    ) -> Result<Session, Outcome> {
        let slot = self.slot(&connection.id);
        let mut slot = slot.lock().await;
        if let Some(session) = slot.as_ref()
            && session.access_token != ended.access_token
        {
            return Ok(session.clone());
        }
        *slot = None;
        let session = self.renewed(connection, Some(ended), lease).await?;
        *slot = Some(session.clone());
        Ok(session)
    }

    /// A session of credentials that a task checks, and the org that it is of.
    ///
    /// # Errors
    /// What becomes of the task.
    pub async fn check(
        &self,
        connection: &Connection,
        task: &Task,
        lease: &LeaseBudget,
    ) -> Result<(Session, String), Outcome> {
        let granted = self.ask(&connection.settings, connection, lease).await?;
        let target = Target::TaskId(task.id.clone());
        self.keep(target, &task.lease_token, &granted, lease).await?;
        let org = granted.org().to_owned();
        Ok((session_of(granted, 0), org))
    }

    async fn renewed(
        &self,
        connection: &Connection,
        ended: Option<&Session>,
        lease: &LeaseBudget,
    ) -> Result<Session, Outcome> {
        let mut settings = connection.settings.clone();
        loop {
            if !lease.fits(self.calls.needed()) {
                return Err(Outcome::NotStarted);
            }
            let asked = self.leads.lease_token(&connection.id, settings.version).await;
            let right = asked.map_err(|status| away(&status))?;
            if !right.lease_token.is_empty() {
                let granted = self.ask(&settings, connection, lease).await?;
                leads_runtime::crash_point!(AFTER_REFRESH);
                let target = Target::ConnectionId(connection.id.clone());
                let version = self.keep(target, &right.lease_token, &granted, lease).await?;
                tracing::info!(connection.id = connection.id, "a session was begun");
                return Ok(session_of(granted, version));
            }
            if right.lease.is_some() {
                sleep(BETWEEN_LOOKS).await;
            }
            settings = self
                .leads
                .connection(&connection.id)
                .await
                .map_err(|status| away(&status))?;
            let newest = kept(&settings);
            let is_new =
                |session: &Session| ended.is_none_or(|ended| ended.access_token != session.access_token);
            if let Some(session) = newest.filter(is_new) {
                return Ok(session);
            }
        }
    }

    /// Asks Salesforce for a session.
    async fn ask(
        &self,
        settings: &wire::GetConnectionResponse,
        connection: &Connection,
        lease: &LeaseBudget,
    ) -> Result<Granted, Outcome> {
        let credentials = match &settings.credentials {
            Some(Credentials::Salesforce(secret)) => secret.credentials.as_ref(),
            Some(Credentials::Hubspot(_)) | None => None,
        };
        let credentials = credentials
            .ok_or_else(|| no_credentials("The connection holds no credentials of Salesforce."))?;
        let request = login::request(credentials, &self.rules, self.clock.now())?;
        let call = VendorCall {
            account: connection.account(self.rules.limits()),
            lease: lease.clone(),
            request,
        };
        login::answer(self.calls.call(call).await, &self.rules)
    }

    /// Has leads-svc keep a session; the connection's version with it.
    async fn keep(
        &self,
        target: Target,
        lease_token: &str,
        granted: &Granted,
        lease: &LeaseBudget,
    ) -> Result<i64, Outcome> {
        let request = wire::PutConnectionTokenRequest {
            target: Some(target),
            lease_token: lease_token.to_owned(),
            access_token: granted.access_token.clone(),
            instance_url: granted.instance_url.clone(),
            refresh_token: granted.refresh_token.clone().unwrap_or_default(),
        };
        for _ in 0..PUTS {
            match self.leads.put_token(request.clone()).await {
                Ok(kept) if kept.status() == wire::ReportStatus::Recorded => return Ok(kept.version),
                // The credentials were replaced meanwhile, or the connection ended.
                Ok(_) => return Err(not_sent("CONNECTION", "the connection has changed")),
                Err(status) if lease.remaining().is_zero() => return Err(away(&status)),
                Err(status) => {
                    tracing::warn!(code = ?status.code(), message = status.message(), "a session could not be kept");
                    sleep(BETWEEN_LOOKS).await;
                }
            }
        }
        Err(not_sent("UNAVAILABLE", "a session could not be kept"))
    }

    fn slot(&self, id: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() > MANY {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(id.to_owned()).or_default().clone()
    }
}

/// The session that leads-svc has.
fn kept(settings: &wire::GetConnectionResponse) -> Option<Session> {
    let Some(Credentials::Salesforce(secret)) = &settings.credentials else {
        return None;
    };
    (!secret.access_token.is_empty()).then(|| Session {
        access_token: secret.access_token.clone(),
        instance_url: secret.instance_url.clone(),
        version: settings.version,
    })
}

fn session_of(granted: Granted, version: i64) -> Session {
    Session {
        access_token: granted.access_token,
        instance_url: granted.instance_url,
        version,
    }
}

fn away(status: &tonic::Status) -> Outcome {
    not_sent("LEADS", format!("leads-svc: {}", status.message()))
}

/// Shows no token.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("instance_url", &self.instance_url)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

//! What connectors may ask: leases, snapshots, reports, tasks.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};
use uuid::Uuid;

use super::{
    core::Core,
    error::{Error, Result},
    principal::{Principal, Scope},
};
pub use crate::domain::salesforce::Session;
pub use crate::storage::{
    connections::{Connection, Facts, Limits},
    jobs::{
        claim::{Named, Refusal},
        report::{Receipt, Report, Unused},
    },
    leads::Record,
    tasks::Outcome,
    token_leases::{Lease as TokenLease, Target},
};
use crate::{
    domain::{
        sync::{Provider, Reason},
        workspace::Settings,
    },
    storage::{
        self,
        jobs::{
            breaker::{Change, ChangeKind},
            claim::Grant,
            report::VerifyAfter,
        },
        tasks::Leased,
    },
};

/// How long a connector process counts as alive after a heartbeat.
const ALIVE: Duration = Duration::from_secs(30);

const LATENCY_BOUNDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 10.0, 60.0, 600.0];

/// Times of the delivery protocol.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// How long a lease holds.
    pub lease: Duration,
    /// When an unknown outcome is read back.
    pub verify_after: Duration,
}

/// The delivery protocol's side of leads-svc; clones share everything.
#[derive(Debug, Clone)]
pub struct Delivery {
    core: Core,
    times: Times,
    latency: Histogram<f64>,
}

/// The answer to one hint.
#[derive(Debug)]
pub struct Claimed {
    /// The job.
    pub job: Uuid,
    /// The right to act, or why not.
    pub result: std::result::Result<Box<Granted>, Refusal>,
}

/// The right to act, with what the workspace's settings say of the lead.
#[derive(Debug)]
pub struct Granted {
    /// Lease and lead.
    pub grant: Grant,
    /// Whether the score reaches the hot threshold.
    pub hot: bool,
}

impl Delivery {
    /// The protocol with its times.
    pub fn new(core: Core, times: Times, meter: &Meter) -> Self {
        Self {
            core,
            times,
            latency: meter
                .f64_histogram("leads.sync.latency")
                .with_unit("s")
                .with_description("Time from a change of a lead to its acceptance by the CRM, by provider.")
                .with_boundaries(LATENCY_BOUNDS.to_vec())
                .build(),
        }
    }

    /// How long leases hold.
    pub fn lease(&self) -> Duration {
        self.times.lease
    }

    /// Notes that a replica lives; how many do.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn heartbeat(&self, principal: &Principal, replica: &str) -> Result<u64> {
        let provider = provider(principal)?;
        Ok(self.core.store.heartbeat(provider.name(), replica, ALIVE).await?)
    }

    /// A connection and its secret.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn connection(&self, principal: &Principal, id: Uuid) -> Result<(Connection, String)> {
        let provider = provider(principal)?;
        self.core
            .store
            .connection_with_secret(provider, id)
            .await?
            .ok_or_else(|| Error::not_found("connection"))
    }

    /// Takes the right to renew a connection's session, for as long as a lease.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn lease_token(&self, principal: &Principal, id: Uuid, version: i64) -> Result<TokenLease> {
        let provider = provider(principal)?;
        self.core
            .store
            .lease_token(provider, id, version, self.times.lease)
            .await?
            .ok_or_else(|| Error::not_found("connection"))
    }

    /// Keeps a session that a vendor has begun; the version of the connection with it.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`; nothing is kept then.
    pub async fn put_token(
        &self,
        principal: &Principal,
        target: Target,
        token: Uuid,
        session: Session,
        refresh_token: Option<String>,
    ) -> Result<(Receipt, i64)> {
        let provider = provider(principal)?;
        let kept = self
            .core
            .store
            .put_token(provider, target, token, session, refresh_token);
        Ok(kept.await?)
    }

    /// Takes leases; one answer per hint, in order.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`; nothing is granted then.
    pub async fn claim(&self, principal: &Principal, hints: &[Named]) -> Result<Vec<Claimed>> {
        let provider = provider(principal)?;
        let mut grants = self.core.store.claim(provider, hints, self.times.lease).await?;
        let refused: Vec<Named> = hints
            .iter()
            .filter(|hint| !grants.contains_key(&hint.job))
            .copied()
            .collect();
        let refusals = if refused.is_empty() {
            Default::default()
        } else {
            self.core.store.refusals(provider, &refused).await?
        };
        let mut claimed = Vec::with_capacity(hints.len());
        for hint in hints {
            let result = match grants.remove(&hint.job) {
                Some(grant) => {
                    // The lease is taken: what fails now must not keep the grants from their holder.
                    let threshold = match self.core.facts(grant.workspace).await {
                        Ok(facts) => facts.workspace.settings.hot_threshold,
                        Err(_) => Settings::default().hot_threshold,
                    };
                    let record = grant.record.as_ref();
                    let hot = record.is_some_and(|record| record.lead.score >= threshold);
                    Ok(Box::new(Granted { grant, hot }))
                }
                None => Err(refusals.get(&hint.job).copied().unwrap_or(Refusal::Held)),
            };
            claimed.push(Claimed {
                job: hint.job,
                result,
            });
        }
        Ok(claimed)
    }

    /// Records outcomes; one receipt per report, in order.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`; nothing is recorded then.
    pub async fn report(&self, principal: &Principal, reports: &[Report]) -> Result<Vec<Receipt>> {
        let provider = provider(principal)?;
        let recorded = self
            .core
            .store
            .report(provider, reports, VerifyAfter(self.times.verify_after))
            .await?;
        for change in &recorded.changes {
            tell(change);
            self.core.forget(change.workspace).await;
        }
        // What became of these may have made room for others, or something newer is wanted.
        self.core.wake_delivery();
        for latency in recorded.latencies {
            let provider = KeyValue::new("provider", provider.name());
            self.latency.record(latency.as_secs_f64(), &[provider]);
        }
        Ok(recorded.receipts)
    }

    /// Gives leases back that were not used.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn release(&self, principal: &Principal, leases: &[Unused]) -> Result<()> {
        let provider = provider(principal)?;
        self.core.store.release(provider, leases).await?;
        self.core.wake_delivery();
        Ok(())
    }

    /// Takes due connection tasks, each with its connection and secret.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn claim_tasks(
        &self,
        principal: &Principal,
        most: u64,
    ) -> Result<Vec<(Leased, Connection, String)>> {
        let provider = provider(principal)?;
        let mut tasks = Vec::new();
        for leased in self
            .core
            .store
            .claim_tasks(provider, most, self.times.lease)
            .await?
        {
            match self.core.store.connection_to_check(provider, &leased).await {
                Ok(Some((connection, secret))) => tasks.push((leased, connection, secret)),
                Ok(None) => {}
                Err(problem @ storage::Error::Inconsistent { .. }) => {
                    self.fail_task(provider, &leased, &problem).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(tasks)
    }

    /// Fails a task whose connection cannot be read: it never can be by itself, and the others must go on.
    async fn fail_task(&self, provider: Provider, leased: &Leased, problem: &storage::Error) {
        let connection = leased.connection;
        tracing::error!(connection.id = %connection, error = %problem, "a connection cannot be read, its check has failed");
        let reason = Reason {
            code: "UNREADABLE_CONNECTION".to_owned(),
            message: format!("what is stored of the connection cannot be read: {problem}"),
            hint: "check that the key-encryption key is the one that the data was stored with, then connect again".to_owned(),
            ..Reason::default()
        };
        let failed = Outcome::Failed(reason);
        let reported = self
            .core
            .store
            .report_task(provider, leased.id, leased.token, failed)
            .await;
        if let Err(error) = reported {
            tracing::warn!(connection.id = %connection, error = %error, "the failure was not recorded, the lease runs out");
        }
    }

    /// Records what became of a connection task.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn report_task(
        &self,
        principal: &Principal,
        id: Uuid,
        token: Uuid,
        outcome: Outcome,
    ) -> Result<Receipt> {
        let provider = provider(principal)?;
        let receipt = self.core.store.report_task(provider, id, token, outcome).await?;
        self.core.wake_delivery();
        Ok(receipt)
    }
}

fn tell(change: &Change) {
    let connection = change.connection;
    match change.kind {
        ChangeKind::Paused => tracing::warn!(connection.id = %connection, "connection is paused"),
        ChangeKind::Rests(rest) => {
            let rest_seconds = rest.as_secs();
            tracing::warn!(connection.id = %connection, rest_seconds, "connection rests: its vendor fails");
        }
        ChangeKind::Healed => tracing::info!(connection.id = %connection, "connection works again"),
    }
}

/// The destination that a connector's credential is bound to.
fn provider(principal: &Principal) -> Result<Provider> {
    principal.require(Scope::Connector)?;
    let destination = principal.destination()?;
    Provider::parse(destination).ok_or_else(|| Error::not_found("destination"))
}

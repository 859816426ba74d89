//! End to end: the real binaries, real servers, the simulated vendor, and what the product promises of them.

mod checker;
mod crash;
mod erasure;
mod health;
mod limits;
mod main_job;
mod redis_loss;
mod salesforce;
mod sign_in;
mod stalls;
mod summary;
mod sweep;
mod trace;
mod vendor_faults;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leads_proto::leads::v1::CollectLeadRequest;
use leads_testkit::{client::Clients, stack::Stack};
use tonic::{Code, Response, Status};

/// Longest wait for a lead to reach the CRM when nothing is wrong.
const SYNC_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for it after a fault.
const RECOVERY_LIMIT: Duration = Duration::from_secs(240);

/// Stamps a test on each database: `on_both_databases!(name)` runs `async fn name(storage: Storage) -> Result<()>`.
macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {
        mod sqlite { $(#[tokio::test] async fn $case() -> anyhow::Result<()> {
            super::$case(leads_testkit::stack::Storage::Sqlite).await
        })+ }
        mod postgres { $(#[tokio::test] async fn $case() -> anyhow::Result<()> {
            use leads_testkit::stack::{Postgresql, Storage};
            super::$case(Storage::Postgres(Postgresql::Shared)).await
        })+ }
    };
}
use on_both_databases;

/// Captures and returns the lead's id.
async fn collect(stack: &Stack, request: CollectLeadRequest) -> Result<String> {
    let answer = stack
        .clients
        .leads
        .clone()
        .collect_lead(request)
        .await?
        .into_inner();
    Ok(answer.lead.context("a contact was stored and no lead")?.id)
}

/// As a careful caller does: the same call again until there is an answer that is not the service's own trouble.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let start = Instant::now();
    loop {
        let status = match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let passes = [
            Code::Unavailable,
            Code::Aborted,
            Code::Unknown,
            Code::Cancelled,
            Code::DeadlineExceeded,
        ];
        let passes = passes.contains(&status.code());
        ensure!(passes && start.elapsed() < RECOVERY_LIMIT, "{status:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Captures, patiently, and returns the lead's id.
async fn collect_patiently(clients: &Clients, request: CollectLeadRequest) -> Result<String> {
    let answer = patiently(|| {
        let (mut leads, request) = (clients.leads.clone(), request.clone());
        async move { leads.collect_lead(request).await }
    });
    Ok(answer.await?.lead.context("a contact was stored and no lead")?.id)
}

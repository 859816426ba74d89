//! Callers of a running stack: captures as fast as answers come, and big batches to fill it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use leads_proto::leads::v1::{BatchCollectLeadsRequest, CollectLeadRequest, batch_collect_result::Outcome};

use super::report::quantile;
use crate::{
    captures,
    client::Clients,
    stack::{Stack, StackOptions},
};

/// Captures of one call to BatchCollectLeads.
const BATCH: usize = 500;

/// What callers saw.
#[derive(Debug)]
pub struct Seen {
    /// Calls answered.
    pub calls: usize,
    /// From the first call to the last answer.
    pub took: Duration,
    /// Milliseconds a call took, in the middle and of the slowest hundredth.
    pub p50: f64,
    /// See `p50`.
    pub p99: f64,
}

/// A stack whose limits on callers do not get into the way.
pub fn unlimited(options: StackOptions) -> StackOptions {
    options
        .leads_env("LEADS_SVC__SERVER__KEY_CALLS_PER_SECOND", 1_000_000)
        .leads_env("LEADS_SVC__SERVER__KEY_BURST", 1_000_000)
        .leads_env("LEADS_SVC__SERVER__CONNECTIONS_PER_ADDRESS", 10_000)
        .leads_env("LEADS_SVC__TELEMETRY__LOG_FILTER", "warn")
        .connector_env("CRM_HUBSPOT__TELEMETRY__LOG_FILTER", "warn")
}

/// `count` callers with a connection each, already dialled.
pub async fn callers(stack: &Stack, count: usize) -> Result<Vec<Clients>> {
    let mut callers = Vec::with_capacity(count);
    for _ in 0..count {
        let mut clients = Clients::new(&stack.url, &stack.workspace.key)?;
        clients
            .workspaces
            .get_workspace(leads_proto::leads::v1::GetWorkspaceRequest {})
            .await?;
        callers.push(clients);
    }
    Ok(callers)
}

/// Every caller captures new people, one call after the other, until the time is over.
pub async fn capture_for(callers: &[Clients], time: Duration) -> Result<Seen> {
    let over = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let tasks: Vec<_> = callers
        .iter()
        .map(|clients| {
            let (mut leads, over) = (clients.leads.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut took = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let request = captures::warm(&captures::address("bench"));
                    let called = Instant::now();
                    leads.collect_lead(request).await?;
                    took.push(called.elapsed().as_secs_f64() * 1e3);
                }
                anyhow::Ok(took)
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    over.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let took = start.elapsed();
    times.sort_by(f64::total_cmp);
    Ok(Seen {
        calls: times.len(),
        took,
        p50: quantile(&times, 0.5),
        p99: quantile(&times, 0.99),
    })
}

/// Captures all of these by batches.
///
/// # Errors
/// One of them was not stored.
pub async fn capture_all(clients: &Clients, requests: Vec<CollectLeadRequest>) -> Result<()> {
    let mut leads = clients.leads.clone().max_decoding_message_size(64 << 20);
    let mut waiting = requests.into_iter().peekable();
    while waiting.peek().is_some() {
        let requests: Vec<_> = waiting.by_ref().take(BATCH).collect();
        let sent = requests.len();
        let answer = leads
            .batch_collect_leads(BatchCollectLeadsRequest { requests })
            .await?;
        let results = answer.into_inner().results;
        ensure!(
            results.len() == sent,
            "{} of {sent} captures were answered",
            results.len()
        );
        for result in results {
            match result.outcome.context("a result without outcome")? {
                Outcome::Response(_) => {}
                Outcome::Problem(problem) => anyhow::bail!("a capture was refused: {problem:?}"),
            }
        }
    }
    Ok(())
}

//! What encryption costs: captures of the build that ships against those of one that seals nothing.

use std::time::Duration;

use anyhow::{Context, Result};

use super::{
    load::{callers, capture_for, unlimited},
    report::{Samples, Section, grouped},
    usage::cpu_seconds,
};
use crate::stack::{Postgresql, Stack, StackOptions, Storage, Timing};

const CLIENTS: [usize; 2] = [1, 64];
const TIME: Duration = Duration::from_secs(3);
/// leads-svc of the feature `unsealed-benchmark`, as `./bench` names it.
const UNSEALED: &str = "leads-svc-unsealed";

const ABOUT: &str = "\
`CollectLead` as in the section on captures, in turns by the leads-svc that ships and by one that was built with the \
feature `unsealed-benchmark`: that gives contacts no keys, and stores in the open what the other one seals. Blind \
indexes and search words are hashed by both. Each has a database of its own on the same server.";

/// Measures both databases.
pub async fn measure(runs: usize) -> Result<Section> {
    let mut section = Section::new(
        "encryption",
        "Encryption",
        ABOUT,
        &[
            "database",
            "clients",
            "captures/s",
            "unsealed, captures/s",
            "ratio",
            "leads-svc CPU a capture, µs",
            "unsealed, µs",
        ],
    );
    for (name, storage) in [
        ("SQLite", Storage::Sqlite),
        ("Postgres", Storage::Postgres(Postgresql::Shared)),
    ] {
        let mut sealed = start("leads-svc", storage.clone()).await?;
        let mut unsealed = start(UNSEALED, storage).await?;
        for clients in CLIENTS {
            let row = alternate(&mut sealed, &mut unsealed, clients, runs).await?;
            let cells = [name.to_owned(), clients.to_string()];
            section.row(cells.into_iter().chain(row).collect());
        }
        for (stack, _) in [sealed, unsealed] {
            stack.stop().await?;
        }
    }
    Ok(section.finish())
}

/// A stack of that leads-svc, with the id of its process.
async fn start(binary: &'static str, storage: Storage) -> Result<(Stack, u32)> {
    let options = unlimited(StackOptions {
        storage,
        timing: Timing::Shipped,
        leads_binary: binary,
        ..StackOptions::default()
    });
    let mut stack = Stack::start_with(options).await?;
    for mut connector in stack.connectors.drain(..) {
        connector.process()?.stop(Duration::from_secs(30)).await?;
    }
    let pid = stack.leads.process()?.pid();
    Ok((stack, pid))
}

async fn alternate(
    sealed: &mut (Stack, u32),
    unsealed: &mut (Stack, u32),
    clients: usize,
    runs: usize,
) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (stack, pid) in [sealed, unsealed] {
        let callers = callers(stack, clients).await?;
        all.push((stack, *pid, callers));
    }
    let mut rates = [Samples::default(), Samples::default()];
    let mut costs = [Samples::default(), Samples::default()];
    // The first run warms caches and pools and does not count.
    for run in 0..=runs {
        for (((stack, pid, callers), rate), cost) in all.iter_mut().zip(&mut rates).zip(&mut costs) {
            let pid = *pid;
            let before = cpu_seconds(pid)?;
            let seen = capture_for(callers, TIME).await.with_context(|| stack.tails())?;
            let spent = cpu_seconds(pid)? - before;
            if run > 0 {
                rate.push(seen.calls as f64 / seen.took.as_secs_f64());
                cost.push(spent * 1e6 / seen.calls as f64);
            }
        }
    }
    let [ours, open] = rates;
    let [cpu, cpu_open] = costs;
    Ok(vec![
        ours.show(0),
        open.show(0),
        ours.ratios(&open).show(2),
        grouped(cpu.median(), 0),
        grouped(cpu_open.median(), 0),
    ])
}

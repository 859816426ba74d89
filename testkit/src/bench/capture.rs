//! Captures a second, against plain inserts of the same rows.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    baseline::Baseline,
    load::{callers, capture_for, unlimited},
    report::{Samples, Section, grouped},
    usage::{MemoryPeak, cpu_seconds},
};
use crate::{
    process::Program,
    servers::{Postgres, TestDatabase},
    stack::{Cli, Postgresql, Stack, StackOptions, Storage},
};

const CLIENTS: [usize; 3] = [1, 16, 64];
const TIME: Duration = Duration::from_secs(3);

const ABOUT: &str = "\
`CollectLead` by gRPC: a new person with one message and a request id, HubSpot connected, so that a call checks the key, \
looks for the request and the person, qualifies, encrypts, and stores eight rows durably (request, contact, lead, \
message, score, two activities, sync job). Each client has a connection of its own and waits for each answer.

Baseline: the rows that these very calls stored, ciphertext included, into the same tables of another database of the \
same server, by prepared statements through the same driver: one transaction a lead, one statement a table, one \
connection a client (SQLite: one, handed around, synchronous FULL).";

/// Measures both databases.
pub async fn measure(runs: usize) -> Result<Section> {
    let mut section = Section::new(
        "capture",
        "Capture",
        ABOUT,
        &[
            "database",
            "clients",
            "captures/s",
            "plain inserts/s",
            "ratio",
            "call p50 / p99, ms",
            "leads-svc CPU a capture, µs",
        ],
    );
    for (name, storage) in [
        ("SQLite", Storage::Sqlite),
        ("Postgres", Storage::Postgres(Postgresql::Shared)),
    ] {
        let mut bench = Bench::start(storage).await?;
        let memory = MemoryPeak::watch(bench.stack.leads.process()?.pid());
        for clients in CLIENTS {
            let row = bench.alternate(clients, runs).await?;
            let cells = [name.to_owned(), clients.to_string()];
            section.row(cells.into_iter().chain(row).collect());
        }
        section.note(format!(
            "leads-svc on {name} had {} MB resident at most.",
            grouped(memory.mb(), 0)
        ));
        bench.stack.stop().await?;
    }
    Ok(section.finish())
}

struct Bench {
    stack: Stack,
    baseline: Baseline,
    _database: Option<TestDatabase>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start(storage: Storage) -> Result<Self> {
        let options = unlimited(StackOptions {
            storage: storage.clone(),
            timing: crate::stack::Timing::Shipped,
            ..StackOptions::default()
        });
        let mut stack = Stack::start_with(options).await?;
        // Connected, so that captures owe syncs; deliveries are another benchmark's.
        for mut connector in stack.connectors.drain(..) {
            connector.process()?.stop(Duration::from_secs(30)).await?;
        }
        let folder = tempfile::Builder::new().prefix("leads-bench-").tempdir()?;
        let (to, database) = match storage {
            Storage::Sqlite => {
                let file = folder.path().join("plain.db");
                (format!("sqlite://{}?mode=rwc", file.display()), None)
            }
            Storage::Postgres(_) => {
                let database = Postgres::shared().await?.database().await?;
                (database.url.clone(), Some(database))
            }
        };
        let program = Program::ours("leads-svc", folder.path())?
            .env("LEADS_SVC__STORAGE__URL", &to)
            .env("LEADS_SVC__CRYPTO__KEK", STANDARD.encode([0; 32]));
        Cli::new(program).migrate().await?;
        let baseline = Baseline::new(&stack.storage_url, &to).await?;
        Ok(Self {
            stack,
            baseline,
            _database: database,
            _folder: folder,
        })
    }

    async fn alternate(&mut self, clients: usize, runs: usize) -> Result<Vec<String>> {
        let callers = callers(&self.stack, clients).await?;
        let pid = self.stack.leads.process()?.pid();
        let (mut ours, mut plain) = (Samples::default(), Samples::default());
        let (mut p50, mut p99, mut cpu) = (Samples::default(), Samples::default(), Samples::default());
        // The first run warms caches and pools and does not count.
        for run in 0..=runs {
            let before = cpu_seconds(pid)?;
            let seen = capture_for(&callers, TIME)
                .await
                .with_context(|| self.stack.tails())?;
            let spent = cpu_seconds(pid)? - before;
            let bundles = self.baseline.gather().await?;
            anyhow::ensure!(
                bundles.len() == seen.calls,
                "{} of {} calls are stored",
                bundles.len(),
                seen.calls
            );
            let took = self.baseline.write(bundles, clients).await?;
            if run > 0 {
                let calls = seen.calls as f64;
                ours.push(calls / seen.took.as_secs_f64());
                plain.push(calls / took.as_secs_f64());
                cpu.push(spent * 1e6 / calls);
                p50.push(seen.p50);
                p99.push(seen.p99);
            }
        }
        Ok(vec![
            ours.show(0),
            plain.show(0),
            ours.ratios(&plain).show(2),
            format!("{} / {}", grouped(p50.median(), 1), grouped(p99.median(), 1)),
            cpu.show(0),
        ])
    }
}

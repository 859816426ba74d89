//! Leads a second into one HubSpot account, against what its limit allows.

use std::time::Duration;

use anyhow::{Context, Result};
use leads_proto::leads::v1::CollectLeadRequest;

use super::{
    baseline::connect,
    load::{capture_all, unlimited},
    report::{Samples, Section, grouped},
    rows::Connection,
    usage::{MemoryPeak, cpu_seconds},
};
use crate::{
    captures,
    fakes::hubspot::{DEFAULT_PORTAL, HubspotOptions, Outcome, RequestFilter},
    stack::{Postgresql, Stack, StackOptions, Storage, Timing},
};

const LEADS: usize = 10_000;
const WINDOW: Duration = Duration::from_secs(10);
/// What the account allows in a window, and what a call takes.
const CALLS: f64 = 190.0;
const ROWS: f64 = 100.0;
const LIMIT: Duration = Duration::from_secs(180);

const ABOUT: &str = "\
10,000 leads are captured while no connector runs; then crm-hubspot starts and syncs them into one account, and after \
it has stopped all are captured again with another title and synced again. The account takes 190 calls in any 10 s and \
100 leads a call: 1,900 leads/s. HubSpot must be asked before a lead that is new to it is written (look up, write), so \
a first sync can reach 950 leads/s, half of the raw 1,900; a lead whose record is known takes one call.

The rate is that of the calls that wrote leads, from the first to the last. The baseline is the account's limit, which \
is the same in every run.";

/// Measures first and repeated syncs.
pub async fn measure(runs: usize) -> Result<Section> {
    let columns = [
        "database",
        "sync",
        "leads/s",
        "of the limit",
        "leads a write",
        "calls a write",
        "most calls in 10 s",
        "refused",
        "leads-svc MB / crm-hubspot MB at most",
        "CPU a lead, µs: leads-svc / crm-hubspot",
    ];
    let mut section = Section::new("drain", "Drain into HubSpot", ABOUT, &columns);
    for (name, storage) in [
        ("SQLite", Storage::Sqlite),
        ("Postgres", Storage::Postgres(Postgresql::Shared)),
    ] {
        let mut drain = Drain::start(storage).await?;
        let (mut first, mut again) = (Seen::default(), Seen::default());
        for _ in 0..runs {
            let mut people: Vec<_> = (0..LEADS)
                .map(|_| captures::warm(&captures::address("drain")))
                .collect();
            drain.run(people.clone(), &mut first).await?;
            for person in &mut people {
                person.request_id = uuid::Uuid::new_v4().to_string();
                if let Some(contact) = &mut person.contact {
                    contact.title = "Support director".to_owned();
                }
            }
            drain.run(people, &mut again).await?;
        }
        for (sync, seen, calls_a_batch) in [("first", &first, 2.0), ("again", &again, 1.0)] {
            let allowed = CALLS / WINDOW.as_secs_f64() / calls_a_batch * ROWS;
            section.row(seen.row(name, sync, allowed));
        }
        drain.stack.leads.process()?.stop(LIMIT).await?;
    }
    Ok(section.finish())
}

#[derive(Debug, Default)]
struct Seen {
    rate: Samples,
    batch: Samples,
    calls: Samples,
    window: Samples,
    refused: Samples,
    memory: [Samples; 2],
    cpu: [Samples; 2],
}

struct Drain {
    stack: Stack,
    database: Connection,
}

impl Drain {
    async fn start(storage: Storage) -> Result<Self> {
        let mut stack = Stack::start_with(unlimited(StackOptions {
            storage,
            timing: Timing::Shipped,
            hubspot: HubspotOptions {
                history_capacity: 0,
                ..HubspotOptions::default()
            },
            ..StackOptions::default()
        }))
        .await?;
        connector(&mut stack)?.process()?.stop(LIMIT).await?;
        let database = connect(&stack.storage_url).await?;
        Ok(Self { stack, database })
    }

    /// Captures while the connector is down, starts it, and waits until nothing is owed.
    async fn run(&mut self, people: Vec<CollectLeadRequest>, seen: &mut Seen) -> Result<()> {
        let Self { stack, database } = self;
        let count = people.len() as f64;
        capture_all(&stack.clients, people).await?;
        // What the last round called has left the account's window.
        tokio::time::sleep(WINDOW).await;
        stack.hubspot.clear_requests();
        let refused = refusals(stack);
        let service = stack.leads.process()?.pid();
        let connector_service = connector(stack)?;
        connector_service.start_with(&[]).await?;
        let pids = [service, connector_service.process()?.pid()];
        let peaks = pids.map(MemoryPeak::watch);
        let before = [cpu_seconds(service)?, 0.0];
        crate::wait::until("everything to be synced", LIMIT, async || {
            let owed = database
                .number("SELECT count(*) FROM sync_jobs WHERE state <> 'done'")
                .await?;
            if owed > 0 {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok((owed == 0).then_some(()))
        })
        .await?;
        for (samples, (pid, before)) in seen.cpu.iter_mut().zip(pids.into_iter().zip(before)) {
            samples.push((cpu_seconds(pid)? - before) * 1e6 / count);
        }
        for (samples, peak) in seen.memory.iter_mut().zip(peaks) {
            samples.push(peak.mb());
        }
        connector(stack)?.process()?.stop(LIMIT).await?;

        let filter = RequestFilter {
            portal: Some(DEFAULT_PORTAL),
            ..RequestFilter::default()
        };
        let written = |outcome: Outcome| matches!(outcome, Outcome::Created | Outcome::Updated);
        let calls = stack.hubspot.requests(&filter);
        let writes: Vec<(u64, usize)> = calls
            .iter()
            .map(|call| {
                (
                    call.at_ms,
                    call.rows.iter().filter(|row| written(row.outcome)).count(),
                )
            })
            .filter(|(_, rows)| *rows > 0)
            .collect();
        let rows: usize = writes.iter().map(|(_, rows)| rows).sum();
        let times = writes.iter().map(|(at, _)| *at);
        let (start, end) = (times.clone().min(), times.max());
        let (start, end) = start.zip(end).context("nothing was written")?;
        // The first write opens the time; what it wrote is not of that time.
        let opening = writes
            .iter()
            .find(|(at, _)| *at == start)
            .map_or(0, |(_, rows)| *rows);
        seen.rate
            .push(rows.saturating_sub(opening) as f64 * 1e3 / end.saturating_sub(start).max(1) as f64);
        seen.batch.push(rows as f64 / writes.len() as f64);
        seen.calls.push(calls.len() as f64 / writes.len() as f64);
        seen.window
            .push(stack.hubspot.max_in_sliding_window(DEFAULT_PORTAL, WINDOW) as f64);
        seen.refused.push((refusals(stack) - refused) as f64);
        Ok(())
    }
}

impl Seen {
    fn row(&self, database: &str, sync: &str, allowed: f64) -> Vec<String> {
        let percent = format!("{} %", grouped(self.rate.median() / allowed * 100.0, 0));
        let pair = |[a, b]: &[Samples; 2], most: bool| {
            let value = |samples: &Samples| if most { samples.max() } else { samples.median() };
            format!("{} / {}", grouped(value(a), 0), grouped(value(b), 0))
        };
        vec![
            database.to_owned(),
            sync.to_owned(),
            self.rate.show(0),
            format!("{percent} of {}", grouped(allowed, 0)),
            grouped(self.batch.median(), 1),
            grouped(self.calls.median(), 2),
            grouped(self.window.max(), 0),
            grouped(self.refused.max(), 0),
            pair(&self.memory, true),
            pair(&self.cpu, false),
        ]
    }
}

fn connector(stack: &mut Stack) -> Result<&mut crate::stack::Service> {
    stack.connectors.first_mut().context("no connector")
}

fn refusals(stack: &Stack) -> u64 {
    stack.hubspot.portals().iter().map(|portal| portal.refused).sum()
}

//! Benchmarks of the real processes, each against a baseline that runs in turns with it on the same machine.
//!
//! Machines differ and are shared: a rate says little, the ratio to the baseline of the same minute says more. Every
//! benchmark therefore alternates what is measured with its baseline, five times by default, and shows medians and
//! spreads; the drain's baseline is a fixed limit. Nothing here asserts a time.

mod baseline;
mod capture;
mod document;
mod drain;
mod encryption;
mod latency;
mod load;
mod machine;
mod qualifier;
mod report;
mod rows;
mod startup;
mod usage;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use report::Section;

/// Measures Leads; see `docs/benchmarks.md`.
#[derive(Debug, Parser)]
#[command(name = "leads-bench")]
pub struct Arguments {
    /// What to measure.
    #[arg(value_enum, required = true)]
    names: Vec<Name>,
    /// Repetitions of each measurement and its baseline.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only print; leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Every benchmark below.
    All,
    /// Captures a second against plain inserts of the same rows.
    Capture,
    /// Captures a second, sealed and unsealed.
    Encryption,
    /// From the call to the CRM's acceptance, at 100 leads a second.
    Latency,
    /// Leads a second into one HubSpot account against its limit.
    Drain,
    /// Conversations a second of the qualifier.
    Qualifier,
    /// Start, rest and size of the processes.
    Startup,
}

const EACH: [Name; 6] = [
    Name::Capture,
    Name::Encryption,
    Name::Latency,
    Name::Drain,
    Name::Qualifier,
    Name::Startup,
];

/// Runs what was asked for, prints it, and writes it down.
///
/// # Errors
/// Something is not built or installed, or a process failed.
#[expect(clippy::print_stdout, reason = "the tables are what the program is for")]
pub async fn run(arguments: &Arguments) -> Result<()> {
    let wanted = |name: &Name| arguments.names.contains(&Name::All) || arguments.names.contains(name);
    for name in EACH.iter().filter(|name| wanted(name)) {
        let section = measure(*name, arguments.runs.max(1)).await?;
        println!("\n{section}");
        if !arguments.dry_run {
            document::replace(&section)?;
        }
    }
    Ok(())
}

async fn measure(name: Name, runs: usize) -> Result<Section> {
    match name {
        Name::Capture | Name::All => capture::measure(runs).await,
        Name::Encryption => encryption::measure(runs).await,
        Name::Latency => latency::measure(runs).await,
        Name::Drain => drain::measure(runs).await,
        Name::Qualifier => qualifier::measure(runs).await,
        Name::Startup => startup::measure(runs).await,
    }
}

//! `leads-svc`: see `leads-svc --help`.

use clap::Parser;
use leads_svc::cli::Cli;

fn main() -> anyhow::Result<()> {
    Cli::parse().run()
}

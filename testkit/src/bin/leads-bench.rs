//! Runs the benchmarks; see `leads_testkit::bench`.

use std::process::ExitCode;

use clap::Parser;
use leads_testkit::bench;

#[tokio::main]
async fn main() -> ExitCode {
    match bench::run(&bench::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

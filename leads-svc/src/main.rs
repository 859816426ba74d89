//! `leads-svc`: see `leads-svc --help`.

use std::process::ExitCode;

use clap::Parser;
use leads_svc::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // For whoever typed the command: what went wrong and why, without a trace of the code.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

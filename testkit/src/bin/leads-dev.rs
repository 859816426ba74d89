//! Starts the development stack; see `leads_testkit::dev`.

use std::process::ExitCode;

use clap::Parser;
use leads_testkit::dev;

#[tokio::main]
async fn main() -> ExitCode {
    match dev::run(&dev::Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

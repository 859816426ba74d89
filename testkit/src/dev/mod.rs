//! The development stack: everything on this machine, with a demo set, until Ctrl-C.

mod demo;
mod folder;
mod show;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::stack::{Postgresql, Stack, StackOptions, Storage, Timing};

/// What a developer asks for.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "leads-dev",
    about = "Starts Redis, the HubSpot simulator, leads-svc and crm-hubspot for development"
)]
pub struct Arguments {
    /// Keep the rows in Postgres instead of an SQLite file
    #[arg(long)]
    pub postgres: bool,
    /// Leave the demo conversations out
    #[arg(long)]
    pub empty: bool,
    /// Where the database, the logs and stack.json go
    #[arg(long, default_value = ".dev")]
    pub folder: PathBuf,
}

/// Runs until it is told to stop (Ctrl-C, SIGTERM, SIGHUP) or a process of the stack ends. If a stack runs in the
/// folder already, shows that one and returns.
///
/// # Errors
/// Something is not built, not installed or does not start.
pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Some(folder) = folder::Folder::lock(&arguments.folder)? else {
        show::running(&arguments.folder)?;
        return Ok(ExitCode::SUCCESS);
    };
    let (mut interrupt, mut terminate, mut hang_up) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    );
    let told = async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hang_up.recv() => {} }
    };
    tokio::pin!(told);
    let mut stack = tokio::select! {
        started = start(arguments, &folder) => started?,
        () = &mut told => {
            show::step("stopped before everything was up");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let ended = tokio::select! {
        () = &mut told => None,
        ended = watch(&mut stack) => Some(ended),
    };
    folder.hide();
    if let Some(ended) = ended {
        bail!("{}", ended?);
    }
    show::step("stopping");
    stack.stop().await?;
    show::step("stopped; nothing is left running");
    Ok(ExitCode::SUCCESS)
}

async fn start(arguments: &Arguments, folder: &folder::Folder) -> Result<Stack> {
    let options = StackOptions {
        storage: if arguments.postgres {
            Storage::Postgres(Postgresql::Own)
        } else {
            Storage::Sqlite
        },
        timing: Timing::Shipped,
        folder: Some(folder.path().to_owned()),
        workspace: "Demo".to_owned(),
        kek: Some(folder.key_encryption_key()?),
        progress: |what| show::step(&format!("starting {what}")),
        ..StackOptions::default()
    };
    let mut stack = Stack::start_with(options).await?;
    let description = show::describe(&mut stack, folder.path())?;
    folder.write(&description)?;
    let shown = if arguments.empty {
        None
    } else {
        Some(demo::capture(&mut stack).await?)
    };
    show::ready(&description, shown.as_ref())?;
    Ok(stack)
}

/// Returns the last words of the first process that ends by itself.
async fn watch(stack: &mut Stack) -> Result<String> {
    loop {
        for service in stack.connectors.iter_mut().chain([&mut stack.leads]) {
            let process = service.process()?;
            if !process.is_running()? {
                return Ok(format!("{} ended by itself\n{}", process.name(), process.tail()));
            }
        }
        if !stack.redis.process().is_running()? {
            return Ok(format!("Redis ended by itself\n{}", stack.redis.process().tail()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// An absolute path, for messages that outlive the current folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

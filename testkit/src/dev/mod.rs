//! The development stack: everything on this machine, with a demo set, until Ctrl-C.

mod demo;
mod folder;
mod show;

use std::{
    collections::HashMap,
    convert::Infallible,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use crate::fakes::salesforce::SalesforceOptions;
use crate::stack::{Postgresql, Stack, StackOptions, Storage, Timing};

/// A process that ends sooner than this so many times, one after the other, is broken.
const SHORTEST_LIFE: Duration = Duration::from_secs(5);
const SHORT_LIVES: u32 = 5;

/// What a developer asks for.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "leads-dev",
    about = "Starts Redis, simulators of HubSpot and Salesforce, leads-svc and both connectors for development"
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

/// Runs until it is told to stop (Ctrl-C, SIGTERM, SIGHUP); a process that ends before that is started again. If a stack runs in the
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
        ended = keep_up(&mut stack, &folder) => Some(ended),
    };
    folder.hide();
    if let Some(Err(error)) = ended {
        return Err(error.context("everything is stopped and the rows of this run are gone; run ./dev again"));
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
        sign_in: true,
        salesforce: Some(SalesforceOptions::default()),
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

/// Starts again what ends by itself, as a cluster would. Returns only with an error: what ends again and again.
async fn keep_up(stack: &mut Stack, folder: &folder::Folder) -> Result<Infallible> {
    let mut lives: HashMap<String, (Instant, u32)> = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let Some((name, last_words)) = find_ended(stack)? else {
            continue;
        };
        let short = match lives.get(&name) {
            Some((start, short)) if start.elapsed() < SHORTEST_LIFE => short + 1,
            _ => 0,
        };
        if short >= SHORT_LIVES {
            bail!("{name} ends again and again\n{last_words}");
        }
        show::step(&format!("{name} has ended and is started again"));
        restart_ended(stack).await?;
        lives.insert(name, (Instant::now(), short));
        folder.write(&show::describe(stack, folder.path())?)?;
    }
}

/// A process that has ended, and its last words.
fn find_ended(stack: &mut Stack) -> Result<Option<(String, String)>> {
    if let Some(postgres) = &stack.postgres
        && let Some(last_words) = postgres.last_words()?
    {
        return Ok(Some(("Postgres".to_owned(), last_words)));
    }
    if !stack.redis.process().is_running()? {
        return Ok(Some(("Redis".to_owned(), stack.redis.process().tail())));
    }
    for service in stack.services() {
        let process = service.process()?;
        if !process.is_running()? {
            return Ok(Some((process.name().to_owned(), process.tail())));
        }
    }
    Ok(None)
}

async fn restart_ended(stack: &mut Stack) -> Result<()> {
    if let Some(postgres) = &stack.postgres
        && postgres.last_words()?.is_some()
    {
        postgres.restart().await?;
    }
    if !stack.redis.process().is_running()? {
        stack.redis.restart().await?;
    }
    // Not one of them is waited for: what it needs to be ready may end meanwhile, and is looked at again at once.
    for service in stack.services() {
        if !service.process()?.is_running()? {
            service.start_with(&[]).await?;
        }
    }
    Ok(())
}

/// An absolute path, for messages that outlive the current folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

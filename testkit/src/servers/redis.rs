//! A Redis (or Valkey) server of a test's own: it can be killed, frozen, wiped and started again on the same port.

use std::time::Duration;

use anyhow::{Context, Result};
use redis::{FromRedisValue, aio::MultiplexedConnection};
use tempfile::TempDir;

use crate::{
    faults::tally,
    ports::free_port,
    process::{Process, Program, find_on_path},
    wait,
};

const START_LIMIT: Duration = Duration::from_secs(20);
const MISSING: &str = "no Redis server found: run `apt-get install redis-server`, or put redis-server or \
                       valkey-server on PATH";

/// A server on a free port of 127.0.0.1 that keeps everything in memory.
#[derive(Debug)]
pub struct Redis {
    // Before the folder: fields are dropped in this order.
    process: Process,
    program: Program,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// Nothing to start; the text says what to install.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts one with further arguments, such as `--maxmemory 1mb`.
    pub async fn start_with(arguments: &[&str]) -> Result<Self> {
        let path = find_on_path(&["redis-server", "valkey-server"]).context(MISSING)?;
        let folder = tempfile::Builder::new().prefix("leads-redis-").tempdir()?;
        let port = free_port()?;
        let program = Program::new(path, folder.path())
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
            ])
            .arg(folder.path())
            .args(arguments)
            .scratch(folder.path());
        let process = program.start()?;
        let mut redis = Self {
            process,
            program,
            port,
            _folder: folder,
        };
        redis.ready().await?;
        Ok(redis)
    }

    /// `redis://…` URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, for signals and logs.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills the server; all data is lost.
    pub fn kill(&mut self) -> Result<()> {
        tally::note("kills of Redis");
        self.process.kill()
    }

    /// Starts it again, empty, on the same port; kills it first if it runs.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = self.program.start()?;
        self.ready().await
    }

    /// Removes every key.
    pub async fn flushall(&self) -> Result<()> {
        tally::note("wipes of Redis");
        self.command::<()>(&["FLUSHALL"]).await
    }

    /// A new connection. Blocking commands need one of their own.
    pub async fn connection(&self) -> Result<MultiplexedConnection> {
        let client = redis::Client::open(self.url())?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    /// Runs one command on a connection of its own, as redis-cli does: `command(&["XLEN", "leads:{hubspot}:hot"])`.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let (name, arguments) = words.split_first().context("an empty command")?;
        let mut connection = self.connection().await?;
        Ok(redis::cmd(name)
            .arg(arguments)
            .query_async(&mut connection)
            .await?)
    }

    async fn ready(&mut self) -> Result<()> {
        let answer = wait::until("Redis to answer", START_LIMIT, async || {
            anyhow::ensure!(self.process.is_running()?, "Redis ended");
            let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
            let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
                return Ok(None);
            };
            Ok(redis::cmd("PING")
                .query_async::<String>(&mut connection)
                .await
                .ok()
                .map(drop))
        });
        let answer = answer.await;
        answer.with_context(|| self.process.tail())
    }
}

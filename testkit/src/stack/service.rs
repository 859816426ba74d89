//! One of our processes with a fixed place: started, killed, and started again on the same ports.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::{
    faults::tally,
    http::Http,
    process::{Process, Program},
};

const START_LIMIT: Duration = Duration::from_secs(60);

/// A replica that can be down.
#[derive(Debug)]
pub struct Service {
    program: Program,
    ops: String,
    process: Option<Process>,
}

impl Service {
    pub(super) fn new(program: Program, ops_port: u16) -> Self {
        Self {
            program,
            ops: format!("http://127.0.0.1:{ops_port}"),
            process: None,
        }
    }

    /// Base URL of health and metrics.
    pub fn ops_url(&self) -> &str {
        &self.ops
    }

    /// Its process.
    ///
    /// # Errors
    /// It was never started.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("not started")
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) -> Result<()> {
        self.start_with(&[]).await?;
        self.ready().await
    }

    /// Starts it with further environment for this one run, without waiting.
    pub async fn start_with(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        // A running predecessor holds the ports.
        drop(self.process.take());
        let added = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.process = Some(self.program.clone().envs(added).start()?);
        Ok(())
    }

    /// Waits until `/readyz` answers 200.
    pub async fn ready(&mut self) -> Result<()> {
        let ops = self.ops.clone();
        self.process()?.wait_ready(&ops, START_LIMIT).await
    }

    /// Kills it at once and starts it again.
    pub async fn restart(&mut self) -> Result<()> {
        self.process()?.kill()?;
        tally::note("kills of our processes");
        self.start().await
    }

    /// The Prometheus text.
    pub async fn metrics(&self) -> Result<String> {
        Ok(Http::new(&self.ops).get("/metrics").await?.text())
    }
}

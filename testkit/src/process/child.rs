//! A running child: signals, exit status, readiness, and its last words for failure messages.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::lifeline::Watcher;
use crate::{faults::tally, http::Http, wait};

const TAIL: u64 = 4_000;

/// A process that this one started; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    watcher: Option<Watcher>,
    /// Standard output and standard error.
    files: [PathBuf; 2],
    /// Length of the files when it started: what is before it is an earlier run's.
    from: [u64; 2],
    status: Option<ExitStatus>,
}

impl Process {
    pub(super) fn new(
        name: String,
        child: Child,
        watcher: Watcher,
        files: [PathBuf; 2],
        from: [u64; 2],
    ) -> Self {
        Self {
            name,
            child,
            watcher: Some(watcher),
            files,
            from,
            status: None,
        }
    }

    /// Name in log files and messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended; a stopped process runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.try_wait()?.is_none())
    }

    /// Kills it at once (SIGKILL) and reaps it. Does nothing if it has ended.
    pub fn kill(&mut self) -> Result<()> {
        if self.try_wait()?.is_none() {
            self.child.kill().with_context(|| format!("kill {}", self.name))?;
            let status = self.child.wait()?;
            self.ended(status);
        }
        Ok(())
    }

    /// Stops its clock (SIGSTOP): it holds its sockets and answers nothing.
    pub fn freeze(&mut self) -> Result<()> {
        tally::note("frozen processes");
        self.signal(Signal::STOP)
    }

    /// Lets a frozen process go on (SIGCONT).
    pub fn thaw(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It still runs after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        let end = wait::until(&what, limit, async || self.try_wait()).await;
        end.map_err(|error| anyhow!("{error}\n{}", self.tail()))
    }

    /// SIGTERM, then waits for the end.
    pub async fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.terminate()?;
        self.wait(limit).await
    }

    /// Waits until `GET /readyz` of the ops port at `base` answers 200.
    ///
    /// # Errors
    /// It ended, or is not ready after `limit`; both with the end of its output.
    pub async fn wait_ready(&mut self, base: &str, limit: Duration) -> Result<()> {
        let http = Http::new(base);
        let mut last = String::new();
        let what = format!("{} ready at {base}/readyz", self.name);
        let ready = wait::until(&what, limit, async || {
            if let Some(status) = self.try_wait()? {
                bail!("{} ended with {status}", self.name);
            }
            let reply = tokio::time::timeout(Duration::from_secs(2), http.get("/readyz")).await;
            last = match reply {
                Ok(Ok(reply)) if reply.status.is_success() => return Ok(Some(())),
                Ok(Ok(reply)) => format!("{} {}", reply.status, reply.text()),
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "no answer in 2 s".to_owned(),
            };
            Ok(None)
        });
        let ready = ready.await;
        ready.map_err(|error| anyhow!("{error}; last answer: {last}\n{}", self.tail()))
    }

    /// The last 4,000 bytes of both outputs since its start.
    pub fn tail(&self) -> String {
        let [out, err] = [0, 1].map(|index| self.read(index, TAIL).unwrap_or_default());
        format!(
            "--- {name} stdout\n{out}\n--- {name} stderr\n{err}",
            name = self.name
        )
    }

    /// All that it wrote to its standard output since its start.
    pub fn printed(&self) -> Result<String> {
        self.read(0, u64::MAX)
    }

    /// All that it wrote to its standard error since its start.
    pub fn complained(&self) -> Result<String> {
        self.read(1, u64::MAX)
    }

    /// Files of its standard output and standard error.
    pub fn log_files(&self) -> [&Path; 2] {
        self.files.each_ref().map(PathBuf::as_path)
    }

    /// What a stream holds since the start, at most the last `limit` bytes of it.
    fn read(&self, index: usize, limit: u64) -> Result<String> {
        let path = self.files.get(index).context("no such stream")?;
        let mut file = File::open(path)?;
        let start = self.from.get(index).copied().unwrap_or(0);
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(end.saturating_sub(limit))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none()
            && let Some(status) = self.child.try_wait()?
        {
            self.ended(status);
        }
        Ok(self.status)
    }

    fn ended(&mut self, status: ExitStatus) {
        self.status = Some(status);
        if let Some(watcher) = self.watcher.take() {
            watcher.release();
        }
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        if let Some(status) = self.try_wait()? {
            bail!("{} ended with {status}\n{}", self.name, self.tail());
        }
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(Pid::from_raw)
            .context("process id")?;
        kill_process(pid, signal).with_context(|| format!("signal {}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

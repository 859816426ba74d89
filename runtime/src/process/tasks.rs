//! Named tasks that stop the process when one of them fails, and that shutdown waits for.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The long-running tasks of a process. Clones share the set.
#[derive(Debug, Clone)]
pub struct TaskSet {
    tracker: TaskTracker,
    stop: CancellationToken,
    failed: Arc<AtomicBool>,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// What a task may end with: nothing, or a result whose error stops the process.
pub trait TaskEnd {
    /// Text of the error, if there is one.
    fn error(self) -> Option<String>;
}

/// How a drain ended that was not clean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrainError {
    /// These were still at work when time was up; they are left to die with the process.
    #[error("still running after the drain time: {}", .0.join(", "))]
    StillRunning(Vec<&'static str>),
    /// At least one task had failed before; the log says which.
    #[error("a task failed")]
    Failed,
}

impl TaskSet {
    /// An empty set. A failing task cancels `stop`.
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop,
            failed: Arc::default(),
            running: Arc::default(),
        }
    }

    /// Cancelled when the process is to stop.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task within the current span. If it ends with an error or panics, that is logged and the process is
    /// stopped.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future + Send + 'static,
        F::Output: TaskEnd + Send,
    {
        self.count(name, true);
        let set = self.clone();
        let task = async move {
            let error = match AssertUnwindSafe(future).catch_unwind().await {
                Ok(end) => end.error(),
                Err(_panic) => Some("panicked".to_owned()),
            };
            if let Some(error) = error {
                tracing::error!(task = name, error, "task failed, stopping the process");
                set.failed.store(true, Ordering::SeqCst);
                set.stop.cancel();
            }
            set.count(name, false);
        };
        self.tracker.spawn(task.in_current_span());
    }

    /// Waits until all tasks have ended, for at most `limit`. It does not cancel anything: cancel the stop token first.
    ///
    /// # Errors
    /// Tasks are left, or one had failed.
    pub async fn drain(&self, limit: Duration) -> Result<(), DrainError> {
        self.tracker.close();
        if tokio::time::timeout(limit, self.tracker.wait()).await.is_err() {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(DrainError::StillRunning(running.keys().copied().collect()));
        }
        if self.failed.load(Ordering::SeqCst) {
            Err(DrainError::Failed)
        } else {
            Ok(())
        }
    }

    fn count(&self, name: &'static str, started: bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(name).or_default();
        *count = if started {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
        if *count == 0 {
            running.remove(name);
        }
    }
}

impl TaskEnd for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl<E: Display> TaskEnd for Result<(), E> {
    fn error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_stops_the_process_and_shows_in_the_drain() {
        let tasks = TaskSet::new(CancellationToken::new());
        let stop = tasks.stop_token();
        tasks.spawn("patient", async move { stop.cancelled().await });
        tasks.spawn("failing", async { Err("no disk") });
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Err(DrainError::Failed));
        assert!(tasks.stop_token().is_cancelled());
    }

    #[tokio::test]
    async fn a_panic_stops_the_process() {
        let tasks = TaskSet::new(CancellationToken::new());
        tasks.spawn("panicking", async {
            if true {
                panic!("on purpose");
            }
        });
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Err(DrainError::Failed));
        assert!(tasks.stop_token().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_names_what_did_not_end_in_time() {
        let tasks = TaskSet::new(CancellationToken::new());
        tasks.spawn("stuck", std::future::pending::<()>());
        tasks.spawn("quick", async {});
        assert_eq!(
            tasks.drain(Duration::from_secs(20)).await,
            Err(DrainError::StillRunning(vec!["stuck"]))
        );
    }
}

//! Brings back what was lost: hints that nobody heard, leases that nobody reported on.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::storage::Store;

/// Sweeps until it is stopped. Any number of replicas may run one each.
#[derive(Clone)]
pub struct Sweeper {
    /// The database.
    pub store: Store,
    /// Tells the dispatcher that something is due.
    pub wake: Arc<Notify>,
    /// Time between two sweeps.
    pub interval: Duration,
}

impl Sweeper {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.interval) => {}
            }
            match self.store.sweep().await {
                Ok(swept) if swept != Default::default() => {
                    tracing::info!(
                        unheard = swept.unheard,
                        expired = swept.expired,
                        poisonous = swept.poisonous,
                        "lost jobs are owed again"
                    );
                    self.wake.notify_one();
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "sweep failed"),
            }
            match self.store.sweep_tasks().await {
                Ok(0) => {}
                Ok(_) => self.wake.notify_one(),
                Err(error) => tracing::warn!(error = %error, "sweep of connection tasks failed"),
            }
        }
    }
}

//! Looks after the receipts of this service's own systems: rows that were deleted are counted again, and hints of people
//! who were erased are taken off the streams.

use std::time::Duration;

use leads_runtime::stream::{Destination, Publisher};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::sync::Provider,
    storage::{self, Store, erasures::Waiting},
};

const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until it is stopped. Any number of replicas may run one each.
pub struct Withdrawer {
    /// The database.
    pub store: Store,
    /// The streams.
    pub publisher: Publisher,
}

impl Withdrawer {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(error = %error, "receipts of erasures were not looked after");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn round(&self) -> storage::Result<()> {
        self.store.confirm_deletions().await?;
        for waiting in self.store.hints_to_withdraw().await? {
            match self.withdraw(&waiting).await {
                Ok(removed) => self.store.confirm_streams(&waiting, removed).await?,
                // Redis is away: the receipt stays open.
                Err(error) => {
                    tracing::debug!(error = %error, "hints were not withdrawn");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Takes hints off every stream until a look finds none.
    async fn withdraw(&self, waiting: &Waiting) -> Result<u64, leads_runtime::stream::PublishError> {
        let is_ours = |job: &str, generation: i64| {
            let hints = &waiting.hints.0;
            hints
                .iter()
                .any(|hint| hint.job == job && generation <= hint.generation)
        };
        let mut removed = 0;
        if waiting.hints.0.is_empty() {
            return Ok(removed);
        }
        for provider in Provider::ALL {
            let destination = Destination::new(provider.name());
            loop {
                match self.publisher.withdraw(destination, is_ours).await? {
                    0 => break,
                    some => removed += some,
                }
            }
        }
        Ok(removed)
    }
}

//! Looks for leads that are to be synced and have no job, after a CRM was connected or the settings were changed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::core::Core;

const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop`.
pub async fn run(core: Core, stop: CancellationToken) {
    loop {
        let more = match core.backfill_some().await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(error = %error, "looking for leads to sync failed");
                false
            }
        };
        let pause = if more { Duration::ZERO } else { INTERVAL };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

//! Deletes leads that were kept long enough, gives up syncs whose consent has expired, and brings rows of earlier
//! releases up to date.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::core::Core;

const INTERVAL: Duration = Duration::from_secs(600);

/// Runs until `stop`.
pub async fn run(core: Core, stop: CancellationToken) {
    loop {
        match core.follow_retention().await {
            Ok(0) => {}
            Ok(leads) => tracing::info!(leads, "leads deleted by retention"),
            Err(error) => tracing::warn!(error = %error, "retention failed; it is tried again later"),
        }
        match core.seal_old_consents().await {
            Ok(0) => {}
            Ok(consents) => tracing::info!(consents, "consents of an earlier release sealed"),
            Err(error) => tracing::warn!(error = %error, "old consents were not sealed"),
        }
        match core.mark_old_members().await {
            Ok(0) => {}
            Ok(members) => tracing::info!(members, "members of an earlier release marked for signing in"),
            Err(error) => tracing::warn!(error = %error, "old members were not marked for signing in"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

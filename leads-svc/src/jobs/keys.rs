//! Makes contacts' keys ahead.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::core::Core;

/// After a failure, and in case a call for more was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until `stop`.
pub async fn run(core: Core, stop: CancellationToken) {
    loop {
        if let Err(error) = core.fill_keys().await {
            tracing::warn!(error = %error, "contacts' keys were not made");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = core.keys_low() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

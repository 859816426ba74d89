//! Destroys keys in time, and brings what is stored to new keys and settings.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::core::Core;

/// Between two looks if there is nothing to do.
const INTERVAL: Duration = Duration::from_secs(2);
/// For each contact, so that calls come first.
const PAUSE_PER_CONTACT: Duration = Duration::from_millis(4);
/// Longest pause after some.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// Every so many looks, roots are looked after.
const SELDOM: u32 = 1_800;

/// Runs until `stop`.
pub async fn run(core: Core, stop: CancellationToken) {
    let mut round = 0_u32;
    loop {
        let destroyed = core.destroy_former_keys().await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "keys were not destroyed; it is tried again");
            0
        });
        let pause = match core.renew_some().await {
            Ok(0) if destroyed == 0 => INTERVAL,
            Ok(contacts) => {
                let contacts = u32::try_from(contacts).unwrap_or(u32::MAX);
                PAUSE_PER_CONTACT.saturating_mul(contacts).min(MAX_PAUSE)
            }
            Err(error) => {
                tracing::warn!(error = %error, "contacts were not brought to new keys; it is tried again");
                INTERVAL
            }
        };
        if round.is_multiple_of(SELDOM)
            && let Err(error) = core.forget_roots().await
        {
            tracing::warn!(error = %error, "old roots of the key store were not deleted");
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

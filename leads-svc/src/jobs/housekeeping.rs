//! Small regular work: use of plans and keys, reads of personal data, old answers, the database's clock.

use std::time::Duration;

use leads_runtime::process::health::Readiness;
use tokio_util::sync::CancellationToken;

use crate::service::{auth::Auth, core::Core};

const INTERVAL: Duration = Duration::from_secs(2);
/// Every so many rounds, keys and answers are looked after.
const SELDOM: u32 = 15;

/// Name of the readiness check that this keeps.
pub const STORAGE_CHECK: &str = "storage";

/// Runs until `stop`.
pub async fn run(core: Core, auth: Auth, readiness: Readiness, stop: CancellationToken) {
    let mut round = 0_u32;
    loop {
        readiness.set(STORAGE_CHECK, core.follow_clock().await.is_ok());
        if let Err(error) = core.note_usage().await {
            tracing::warn!(error = %error, "use of plans was not noted");
        }
        if round.is_multiple_of(SELDOM) {
            if let Err(error) = auth.note_use().await {
                tracing::warn!(error = %error, "use of keys was not noted");
            }
            if let Err(error) = core.note_reads().await {
                tracing::warn!(error = %error, "reads of personal data were not noted");
            }
            if let Err(error) = core.forget_old_answers().await {
                tracing::warn!(error = %error, "old answers were not deleted");
            }
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => {
                if let Err(error) = core.note_reads().await {
                    tracing::warn!(error = %error, "reads of personal data were not noted");
                }
                return;
            }
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

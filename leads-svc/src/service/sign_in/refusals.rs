//! Refused sign-ins in the audit logs of the workspaces that they were meant for.

use std::time::Duration;

use leads_proto::reason::Reason;
use moka::future::Cache;
use uuid::Uuid;

use super::super::{core::Core, keys::Presented};
use crate::domain::{
    audit::{Act, Action},
    ids,
};

/// Whom the log names: whoever it was did not prove it.
const ANONYMOUS: &str = "anonymous";
/// One entry for a subject in this time and of this replica, so that guessing does not fill a log.
const PAUSE: Duration = Duration::from_secs(60);
const MAX_KEPT: u64 = 100_000;

/// Writes entries, and remembers for whom.
#[derive(Debug)]
pub(super) struct Refusals(Cache<String, ()>);

impl Default for Refusals {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(PAUSE)
                .build(),
        )
    }
}

impl Refusals {
    /// A key was refused; recorded if it is, or was, a workspace's.
    pub(super) async fn of_key(&self, core: &Core, text: &str, reason: Reason) {
        let Some(presented) = Presented::parse(text) else {
            return;
        };
        let subject = format!("key:{}", presented.id);
        if reason != Reason::Unauthenticated || self.0.contains_key(&subject) {
            return;
        }
        match core.store.find_key(presented.id).await {
            Ok(Some(key)) => {
                if let Some(workspace) = key.workspace {
                    self.record(core, workspace, subject, reason).await;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %error, "a refused sign-in was not recorded"),
        }
    }

    /// Somebody who is no member asked for a workspace.
    pub(super) async fn of_stranger(&self, core: &Core, workspace: Option<Uuid>) {
        tracing::info!(
            workspace.named = workspace.is_some(),
            "sign-in refused: no member has the address"
        );
        let Some(workspace) = workspace else { return };
        let subject = ids::format::<ids::Workspace>(workspace);
        if core.facts(workspace).await.is_ok() {
            self.record(core, workspace, subject, Reason::SignInRefused).await;
        }
    }

    /// A member was refused.
    pub(super) async fn of_member(&self, core: &Core, workspace: Uuid, member: Uuid, reason: Reason) {
        self.record(core, workspace, ids::format::<ids::Member>(member), reason)
            .await;
    }

    async fn record(&self, core: &Core, workspace: Uuid, subject: String, reason: Reason) {
        if !self.0.entry(subject.clone()).or_insert(()).await.is_fresh() {
            return;
        }
        let act = Act::new(ANONYMOUS, Action::SignInRefused, subject).with("reason", reason.name());
        let recorded = match core.store.workspace_keys(workspace).await {
            Ok(keys) => core.store.record(workspace, &keys, act).await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::warn!(error = %error, "a refused sign-in was not recorded");
        }
    }
}

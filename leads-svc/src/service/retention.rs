//! Leads that were kept long enough: shown before, and deleted by the clock.

use uuid::Uuid;

use super::{
    core::Core,
    error::Result,
    leads::{List, Page},
    principal::{Principal, Scope},
};
pub use crate::storage::retention::Candidate;
use crate::{
    domain::retention::Retention,
    storage::{
        self,
        deletion::{Deletion, Target},
    },
};

/// Leads are counted up to this.
const MAX_COUNTED: u64 = 100_000;
/// Leads of one look.
const BATCH: u64 = 100;

impl Core {
    /// A page of the leads that `retention`, or else the workspace's settings, would delete now, and how many there
    /// are, counted up to 100,000.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`, and those of page tokens.
    pub async fn preview_retention(
        &self,
        principal: &Principal,
        retention: Option<Retention>,
        size: u64,
        token: &str,
    ) -> Result<(u64, Page<Candidate>)> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let retention = retention.unwrap_or_else(|| facts.workspace.settings.retention.clone());
        let now = self.store.clock().now();
        let list = List::new(&facts, "PreviewRetention", &retention, size, now);
        let after = list.cursor::<Uuid>(token)?;
        let workspace = facts.workspace.id;
        let total = self
            .store
            .count_due_leads(workspace, &retention, MAX_COUNTED)
            .await?;
        let due = self
            .store
            .due_leads(workspace, &retention, after, list.rows())
            .await?;
        let page = list.page(due, |_| 0, |candidate| candidate.lead)?;
        Ok((total, page))
    }

    /// Deletes what every workspace's retention says, each lead in a transaction of its own, and gives up syncs whose
    /// consent has expired. Returns how many leads were deleted. A workspace or a lead that fails is logged, and the
    /// others go on.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`; what was deleted before stays deleted.
    pub async fn follow_retention(&self) -> Result<u64> {
        let mut deleted = 0;
        for id in self.store.workspace_ids().await? {
            if let Err(error) = self.follow_retention_of(id, &mut deleted).await {
                tracing::warn!(workspace.id = %id, error = %error, "retention failed; it is tried again later");
            }
        }
        Ok(deleted)
    }

    async fn follow_retention_of(&self, id: Uuid, deleted: &mut u64) -> storage::Result<()> {
        let Some(workspace) = self.store.find_workspace(id).await? else {
            return Ok(());
        };
        let settings = workspace.settings;
        self.store.follow_consents(id, &settings).await?;
        let keys = self.store.workspace_keys(id).await?;
        let mut after = None;
        loop {
            let due = self
                .store
                .due_leads(id, &settings.retention, after, BATCH)
                .await?;
            let Some(last) = due.last() else { return Ok(()) };
            after = Some(last.lead);
            for Candidate { lead, .. } in due {
                let deletion = Deletion::Retention(&settings.retention);
                let gone = self
                    .store
                    .delete_person(id, &keys, Target::Lead(lead), deletion)
                    .await;
                match gone {
                    Ok(gone) => *deleted += u64::from(gone.is_some()),
                    Err(error @ storage::Error::Inconsistent { .. }) => {
                        tracing::error!(lead.id = %lead, error = %error, "a lead that was kept long enough cannot be deleted");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

//! The audit log, as its workspace sees it.

pub use crate::{
    domain::audit::{Anchor, Entry, Problem},
    storage::audit::{Walk, mac_text, parse_mac},
};

use super::{
    core::Core,
    error::Result,
    leads::{List, Page},
    principal::{Principal, Scope},
};

impl Core {
    /// A page of the audit log, newest first; only entries of `subject` unless it is empty.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`, and those of page tokens.
    pub async fn list_audit_entries(
        &self,
        principal: &Principal,
        subject: &str,
        size: u64,
        token: &str,
    ) -> Result<Page<Entry>> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let now = self.store.clock().now();
        let list = List::new(&facts, "ListAuditEntries", &subject, size, now);
        let before = list.cursor::<i64>(token)?;
        let subjects: Vec<String> = (!subject.is_empty())
            .then(|| subject.to_owned())
            .into_iter()
            .collect();
        let entries = self
            .store
            .audit_entries(facts.workspace.id, &subjects, before, list.rows())
            .await?;
        list.page(entries, |entry| entry.details.len(), |entry| entry.n)
    }

    /// Walks through the whole audit log; `anchors` were kept elsewhere.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn verify_audit(&self, principal: &Principal, anchors: Vec<Anchor>) -> Result<Walk> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let walk = self
            .store
            .walk_audit(facts.workspace.id, &facts.keys, anchors)
            .await?;
        if let Some(fault) = walk.fault {
            tracing::error!(
                workspace.id = %facts.workspace.id,
                audit.n = fault.n,
                problem = ?fault.problem,
                "the audit log is not as it was written"
            );
        }
        Ok(walk)
    }
}

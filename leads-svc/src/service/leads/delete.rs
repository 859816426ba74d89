//! Deleting leads.

use uuid::Uuid;

use crate::{
    service::{
        core::Core,
        error::{Error, Result},
        principal::{Principal, Scope},
    },
    storage::leads::Deletion,
};

impl Core {
    /// Deletes a lead and its contact.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn delete_lead(&self, principal: &Principal, id: Uuid) -> Result<()> {
        principal.require(Scope::LeadsDelete)?;
        let facts = self.facts(principal.workspace()?).await?;
        let (workspace, by) = (facts.workspace.id, principal.actor());
        let deletion = Deletion::Erasure { by: &by };
        if self
            .store
            .delete_lead(workspace, &facts.keys, id, deletion)
            .await?
        {
            Ok(())
        } else {
            Err(Error::not_found("lead"))
        }
    }
}

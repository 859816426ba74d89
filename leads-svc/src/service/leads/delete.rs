//! Deleting leads.

use uuid::Uuid;

use crate::{
    service::{
        capture::{MAX_TRIES, contended},
        core::Core,
        error::{Error, Result},
        principal::{Principal, Scope},
    },
    storage::{self, deletion::Deletion},
};

impl Core {
    /// Deletes a lead and its contact.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn delete_lead(&self, principal: &Principal, id: Uuid) -> Result<()> {
        principal.require(Scope::LeadsDelete)?;
        let facts = self.facts(principal.workspace()?).await?;
        let (workspace, by) = (facts.workspace.id, principal.actor());
        for _ in 0..MAX_TRIES {
            let deletion = Deletion::Erasure { by: &by };
            match self.store.delete_lead(workspace, &facts.keys, id, deletion).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(Error::not_found("lead")),
                Err(storage::Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(contended())
    }
}

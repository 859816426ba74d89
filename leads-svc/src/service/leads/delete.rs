//! Deleting leads.

use uuid::Uuid;

use crate::{
    service::{
        core::Core,
        error::{Error, Result},
        principal::{Principal, Scope},
    },
    storage::deletion::Target,
};

impl Core {
    /// Erases whoever a lead is; gives back the erasure.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn delete_lead(&self, principal: &Principal, id: Uuid) -> Result<Uuid> {
        principal.require(Scope::LeadsDelete)?;
        let facts = self.facts(principal.workspace()?).await?;
        let erased = self.erase(&facts, principal, Target::Lead(id)).await?;
        erased.ok_or_else(|| Error::not_found("lead"))
    }
}

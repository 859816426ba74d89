//! Deleting leads.

use uuid::Uuid;

use crate::service::{
    core::Core,
    error::{Error, Result},
    principal::{Principal, Scope},
};

impl Core {
    /// Deletes a lead and its contact.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn delete_lead(&self, principal: &Principal, id: Uuid) -> Result<()> {
        principal.require(Scope::LeadsDelete)?;
        if self.store.delete_lead(principal.workspace()?, id).await? {
            Ok(())
        } else {
            Err(Error::not_found("lead"))
        }
    }
}

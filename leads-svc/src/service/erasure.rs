//! Erasing people: here at once, elsewhere by jobs, each system with a receipt.

use uuid::Uuid;

use super::{
    capture::{MAX_TRIES, contended},
    core::{Core, Facts},
    error::{Error, Result},
    leads::{List, Page},
    principal::{Principal, Scope},
};
pub use crate::domain::erasure::{Erasure, Receipt, State, explain};
use crate::{
    domain::identity::Mark,
    storage::{
        self,
        deletion::{Deletion, Target},
    },
};

/// Whom to erase.
#[derive(Debug, Clone)]
pub enum Whom {
    /// By normalised address.
    Email(String),
    /// By lead.
    Lead(Uuid),
    /// By contact.
    Contact(Uuid),
}

impl Core {
    /// Erases a person. Of an address that was erased before, gives back that erasure and tries again what had failed.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn erase_subject(&self, principal: &Principal, whom: Whom) -> Result<Erasure> {
        principal.require(Scope::LeadsDelete)?;
        let facts = self.facts(principal.workspace()?).await?;
        let workspace = facts.workspace.id;
        let (target, what) = match whom {
            Whom::Lead(id) => (Target::Lead(id), "lead"),
            Whom::Contact(id) => (Target::Contact(id), "contact"),
            Whom::Email(email) => {
                let marks = Mark::of_address(&email, &facts.workspace.settings);
                let found = self
                    .store
                    .find_people(workspace, &facts.keys, &marks, None)
                    .await?;
                let person = found.by_address.ok_or_else(|| Error::not_found("person"))?;
                if person.erased_at.is_some() {
                    return self.erased_before(&facts, person.contact.id).await;
                }
                (Target::Contact(person.contact.id), "person")
            }
        };
        let erased = self.erase(&facts, principal, target).await?;
        let id = erased.ok_or_else(|| Error::not_found(what))?;
        self.erasure(&facts, id).await
    }

    /// An erasure.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn get_erasure(&self, principal: &Principal, id: Uuid) -> Result<Erasure> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        self.erasure(&facts, id).await
    }

    /// A page of erasures, newest first.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`, and those of page tokens.
    pub async fn list_erasures(
        &self,
        principal: &Principal,
        size: u64,
        token: &str,
    ) -> Result<Page<Erasure>> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let list = List::new(&facts, "ListErasures", &(), size, self.store.clock().now());
        let before = list.cursor::<Uuid>(token)?;
        let found = self
            .store
            .list_erasures(facts.workspace.id, before, list.rows())
            .await?;
        list.page(found, |_| 0, |erasure| erasure.id)
    }

    /// Deletes somebody and owes the CRMs the same; none if there is nobody.
    pub(super) async fn erase(
        &self,
        facts: &Facts,
        principal: &Principal,
        target: Target,
    ) -> Result<Option<Uuid>> {
        let (workspace, by) = (facts.workspace.id, principal.actor());
        for _ in 0..MAX_TRIES {
            let deletion = Deletion::Erasure { by: &by };
            let deleted = match self
                .store
                .delete_person(workspace, &facts.keys, target, deletion)
                .await
            {
                Ok(deleted) => deleted,
                Err(storage::Error::Conflict { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(erasure) = deleted.and_then(|deleted| deleted.erasure) else {
                return Ok(None);
            };
            self.wake_delivery();
            // The person is gone: what cannot be counted now is counted later.
            if let Err(error) = self.store.confirm_deletion(workspace, erasure).await {
                tracing::warn!(erasure.id = %erasure, error = %error, "the deletion was not read back yet");
            }
            return Ok(Some(erasure));
        }
        Err(contended())
    }

    async fn erased_before(&self, facts: &Facts, id: Uuid) -> Result<Erasure> {
        if self.store.retry_erasure(facts.workspace.id, id).await? {
            self.wake_delivery();
        }
        self.erasure(facts, id).await
    }

    async fn erasure(&self, facts: &Facts, id: Uuid) -> Result<Erasure> {
        let found = self.store.find_erasure(facts.workspace.id, id).await?;
        found.ok_or_else(|| Error::not_found("erasure"))
    }
}

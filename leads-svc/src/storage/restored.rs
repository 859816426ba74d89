//! What restored backups make of keys: people who were erased and are there again, and a key store that is missing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    Store,
    deletion::{Deletion, Target},
    entity::{contact, lead},
    error::Result,
    scope,
};

/// Contacts of one look.
const BATCH: u64 = 500;

/// What became of a search for erased people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErasedAgain {
    /// People who are gone again.
    pub people: u64,
    /// People whose leads are merged here with leads of somebody who was not erased: the merge is to be undone first.
    pub merged: u64,
    /// Contacts whose key was destroyed for another reason since the backup was made: they were kept long enough, or have
    /// another key by now. They cannot be read, and stay.
    pub unreadable: u64,
}

/// Contacts that tell whose the key store is.
const ASKED: u64 = 20;
/// Workspaces that are looked through for them.
const WORKSPACES: usize = 50;

impl Store {
    /// Whether contacts have keys and the key store knows not one of the oldest: it is another database's, or empty.
    ///
    /// # Errors
    /// The database or the key store.
    pub async fn has_other_key_store(&self) -> Result<bool> {
        for workspace in self.list_workspaces().await?.into_iter().take(WORKSPACES) {
            let oldest: Vec<Uuid> = scope::select::<contact::Entity>(workspace.id)
                .filter(contact::Column::KeyId.is_not_null())
                .select_only()
                .column(contact::Column::KeyId)
                .order_by_asc(contact::Column::CreatedAt)
                .order_by_asc(contact::Column::Id)
                .limit(ASKED)
                .into_tuple()
                .all(self.reader())
                .await?;
            if !oldest.is_empty() {
                let asked = self
                    .key_store
                    .secrets(self.keyring.keks(), oldest.into_iter().collect());
                let found = asked.await?;
                return Ok(found.secrets.is_empty() && found.destroyed.is_empty());
            }
        }
        Ok(false)
    }

    /// Erases whoever of a workspace was erased before by what the key store remembers, in the name of `by`: a backup of
    /// the database from before their erasure was restored. Nobody else is touched.
    ///
    /// # Errors
    /// The database or the key store; what was erased before stays so.
    pub async fn erase_again(&self, workspace: Uuid, by: &str) -> Result<ErasedAgain> {
        let mut erased = ErasedAgain::default();
        let mut last: Option<(DateTime<Utc>, Uuid)> = None;
        loop {
            let mut select =
                scope::select::<contact::Entity>(workspace).filter(contact::Column::KeyId.is_not_null());
            if let Some((at, id)) = last {
                let same = Condition::all()
                    .add(contact::Column::CreatedAt.eq(at))
                    .add(contact::Column::Id.gt(id));
                select = select.filter(Condition::any().add(contact::Column::CreatedAt.gt(at)).add(same));
            }
            let page: Vec<(Uuid, Uuid, DateTime<Utc>)> = select
                .select_only()
                .columns([
                    contact::Column::Id,
                    contact::Column::KeyId,
                    contact::Column::CreatedAt,
                ])
                .order_by_asc(contact::Column::CreatedAt)
                .order_by_asc(contact::Column::Id)
                .limit(BATCH)
                .into_tuple()
                .all(self.reader())
                .await?;
            let Some((id, _, at)) = page.last() else {
                return Ok(erased);
            };
            last = Some((*at, *id));
            let keys: HashSet<Uuid> = page.iter().map(|(_, key, _)| *key).collect();
            let found = self.key_store.secrets(self.keyring.keks(), keys).await?;
            for (contact, key, _) in page {
                if found.erased.contains(&key) {
                    self.erase_contact_again(workspace, contact, by, &mut erased)
                        .await?;
                } else if found.destroyed.contains(&key) {
                    erased.unreadable += 1;
                }
            }
        }
    }

    async fn erase_contact_again(
        &self,
        workspace: Uuid,
        id: Uuid,
        by: &str,
        erased: &mut ErasedAgain,
    ) -> Result<()> {
        let keys = &*self.workspace_keys(workspace).await?;
        let found = scope::select::<lead::Entity>(workspace)
            .filter(lead::Column::ContactId.eq(id))
            .one(self.reader())
            .await?;
        if let Some(found) = found {
            let root = found.merged_into.unwrap_or(found.id);
            if !self.is_whole_person_erased(workspace, root).await? {
                erased.merged += 1;
                return Ok(());
            }
        }
        let target = Target::Contact(id);
        let deletion = Deletion::Erasure { by };
        let deleted = self.delete_person(workspace, keys, target, deletion).await?;
        erased.people += u64::from(deleted.is_some());
        Ok(())
    }

    async fn is_whole_person_erased(&self, workspace: Uuid, root: Uuid) -> Result<bool> {
        let leads = scope::select::<lead::Entity>(workspace)
            .filter(
                Condition::any()
                    .add(lead::Column::Id.eq(root))
                    .add(lead::Column::MergedInto.eq(root)),
            )
            .all(self.reader())
            .await?;
        let contacts: HashMap<Uuid, Option<Uuid>> = scope::select::<contact::Entity>(workspace)
            .select_only()
            .columns([contact::Column::Id, contact::Column::KeyId])
            .filter(contact::Column::Id.is_in(leads.iter().map(|row| row.contact_id)))
            .into_tuple::<(Uuid, Option<Uuid>)>()
            .all(self.reader())
            .await?
            .into_iter()
            .collect();
        let keys: HashSet<Uuid> = contacts.values().copied().flatten().collect();
        if keys.len() < contacts.len() {
            return Ok(false);
        }
        let count = keys.len();
        let found = self.key_store.secrets(self.keyring.keks(), keys).await?;
        Ok(found.erased.len() == count)
    }
}

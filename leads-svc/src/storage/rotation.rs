//! Keys that take the place of other keys.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{
    Store, audit,
    entity::api_key,
    error::Result,
    keys::{self, Key},
    scope,
};
use crate::domain::audit::{Act, Action};

/// What became of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// The new key is there, and the old one ends.
    Done,
    /// The workspace has no such key.
    Absent,
    /// The key has ended, or was replaced before.
    Ended,
}

impl Store {
    /// A key of a workspace.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_key_of(&self, workspace: Uuid, id: &str) -> Result<Option<Key>> {
        scope::select::<api_key::Entity>(workspace)
            .filter(api_key::Column::Id.eq(id))
            .one(self.reader())
            .await?
            .map(keys::key)
            .transpose()
    }

    /// Stores `new` in the place of the workspace's key `old`, in the name of `by`; `old` ends at `end` if not before.
    ///
    /// # Errors
    /// The database.
    pub async fn replace_key(
        &self,
        workspace: Uuid,
        old: &str,
        new: Key,
        end: DateTime<Utc>,
        by: &str,
    ) -> Result<Replaced> {
        let now = self.clock.now();
        let chain = self.workspace_keys(workspace).await?;
        let transaction = self.begin().await?;
        let row = scope::select::<api_key::Entity>(workspace)
            .filter(api_key::Column::Id.eq(old))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(row) = row else {
            return Ok(Replaced::Absent);
        };
        let has_ended = row.revoked_at.is_some() || row.expires_at.is_some_and(|at| at <= now);
        if has_ended || row.replaced_by.is_some() {
            return Ok(Replaced::Ended);
        }
        let expires_at = row.expires_at.map_or(end, |at| at.min(end));
        let mut changed = row.into_active_model();
        changed.replaced_by = Set(Some(new.id.clone()));
        changed.expires_at = Set(Some(expires_at));
        if end <= now {
            changed.revoked_at = Set(Some(now));
        }
        let acts = [
            keys::created(&new, by),
            Act::new(by, Action::KeyRotated, keys::subject(old))
                .with("new", keys::subject(&new.id))
                .with("ends", expires_at.to_rfc3339()),
        ];
        transaction
            .insert::<api_key::Entity>(workspace, vec![keys::row(new)])
            .await?;
        scope::update::<api_key::Entity>(workspace)
            .filter(api_key::Column::Id.eq(old))
            .set(changed)
            .exec(&*transaction)
            .await?;
        for act in acts {
            audit::append(&transaction, &chain, workspace, act, now).await?;
        }
        transaction.commit().await?;
        Ok(Replaced::Done)
    }
}

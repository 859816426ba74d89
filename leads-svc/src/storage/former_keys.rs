//! Keys that contacts had: what they may still seal is sealed anew, then they are destroyed.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    Store, Transaction,
    entity::{contact, former_key},
    error::Result,
    idempotency,
    identities::Joined,
    scope::{self, Reach},
};

/// A writer may hold a key for as long as a call may take, and a kept answer for as long as answers are kept: so long a
/// key is there after its contact has another.
pub(super) const GRACE: TimeDelta = match idempotency::KEPT.checked_add(&TimeDelta::hours(1)) {
    Some(grace) => grace,
    None => idempotency::KEPT,
};
/// Keys of one look.
const BATCH: u64 = 100;

/// Marks what may still be sealed under the workspace's key.
pub(super) fn of_workspace(workspace: Uuid, contact: Uuid, now: DateTime<Utc>) -> former_key::Model {
    former_key::Model {
        contact_id: contact,
        key_id: Uuid::nil(),
        workspace_id: workspace,
        due_at: now + GRACE,
    }
}

/// A contact that goes up in another leaves it its keys.
pub(super) async fn hand_over(
    transaction: &Transaction,
    workspace: Uuid,
    joined: Joined,
    now: DateTime<Utc>,
) -> Result<()> {
    scope::update::<former_key::Entity>(workspace)
        .filter(former_key::Column::ContactId.eq(joined.contact))
        .filter(former_key::Column::KeyId.ne(Uuid::nil()))
        .col_expr(former_key::Column::ContactId, Expr::value(joined.into))
        .exec(&**transaction)
        .await?;
    let key: Option<Option<Uuid>> = scope::select::<contact::Entity>(workspace)
        .select_only()
        .column(contact::Column::KeyId)
        .filter(contact::Column::Id.eq(joined.contact))
        .into_tuple()
        .one(&**transaction)
        .await?;
    // It may have left something under the workspace's key as well.
    let keys = BTreeSet::from([Uuid::nil(), key.flatten().unwrap_or_default()]);
    let rows = keys.into_iter().map(|key_id| former_key::Model {
        key_id,
        ..of_workspace(workspace, joined.into, now)
    });
    add(transaction, rows.collect()).await
}

/// Has the keys of contacts destroyed as soon as the transaction is committed.
pub(super) async fn doom(
    transaction: &Transaction,
    workspace: Uuid,
    contacts: &[contact::Model],
    now: DateTime<Utc>,
) -> Result<()> {
    scope::update::<former_key::Entity>(workspace)
        .filter(former_key::Column::ContactId.is_in(contacts.iter().map(|row| row.id)))
        .col_expr(former_key::Column::DueAt, Expr::value(now))
        .exec(&**transaction)
        .await?;
    let keyed = contacts.iter().filter_map(|row| {
        Some(former_key::Model {
            contact_id: row.id,
            key_id: row.key_id?,
            workspace_id: workspace,
            due_at: now,
        })
    });
    add(transaction, keyed.collect()).await
}

/// Adds rows of one workspace, or has those that are there due as these are.
pub(super) async fn add(transaction: &Transaction, rows: Vec<former_key::Model>) -> Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    transaction.enter(Reach::One(first.workspace_id)).await?;
    let names = [former_key::Column::ContactId, former_key::Column::KeyId];
    #[expect(clippy::disallowed_methods, reason = "what is there is due as the new row is")]
    former_key::Entity::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
        .on_conflict(
            OnConflict::columns(names)
                .update_column(former_key::Column::DueAt)
                .to_owned(),
        )
        .exec_without_returning(&**transaction)
        .await?;
    Ok(())
}

impl Store {
    /// Destroys keys whose time has come, after what they still seal of a contact that is there was sealed anew. Returns
    /// how many.
    ///
    /// # Errors
    /// The database or the key store; it is tried again later.
    pub async fn destroy_former_keys(&self) -> Result<usize> {
        let due = scope::select_any::<former_key::Entity>()
            .filter(former_key::Column::DueAt.lte(self.clock.now()))
            .order_by_asc(former_key::Column::DueAt)
            .limit(BATCH)
            .all(self.reader())
            .await?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut held = HashSet::new();
        for row in &due {
            if !self.release_key(row).await? {
                held.insert((row.contact_id, row.key_id));
            }
        }
        let due: Vec<former_key::Model> = due
            .into_iter()
            .filter(|row| !held.contains(&(row.contact_id, row.key_id)))
            .collect();
        let ids: Vec<Uuid> = due
            .iter()
            .map(|row| row.key_id)
            .filter(|id| !id.is_nil())
            .collect();
        self.key_store.destroy(&ids).await?;
        let transaction = self.begin().await?;
        for row in &due {
            scope::delete::<former_key::Entity>(row.workspace_id)
                .filter(former_key::Column::ContactId.eq(row.contact_id))
                .filter(former_key::Column::KeyId.eq(row.key_id))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(due.len())
    }

    /// Whether keys that contacts had are still to be destroyed.
    pub(super) async fn has_former_keys(&self, workspace: Uuid, contacts: &[Uuid]) -> Result<bool> {
        let left = scope::select::<former_key::Entity>(workspace)
            .filter(former_key::Column::ContactId.is_in(contacts.iter().copied()))
            .limit(1)
            .one(self.reader())
            .await?;
        Ok(left.is_some())
    }

    /// Whether nothing of a contact needs the key any more.
    async fn release_key(&self, row: &former_key::Model) -> Result<bool> {
        let found = scope::select::<contact::Entity>(row.workspace_id)
            .filter(contact::Column::Id.eq(row.contact_id))
            .one(self.reader())
            .await?;
        let Some(found) = found else { return Ok(true) };
        if found.key_id == Some(row.key_id) {
            return Ok(false);
        }
        self.renew_seals(row.workspace_id, row.contact_id).await?;
        Ok(true)
    }
}

//! Deletion of people.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    Store, audit,
    contacts::bury,
    crypto::WorkspaceKeys,
    entity::{activity, consent, contact, identity, lead, merge, message, score, sync_job},
    error::Result,
    former_keys, rows, scope,
    transaction::moved_unless,
};
use crate::domain::{
    audit::{Act, Action},
    ids,
    retention::Retention,
};

/// Why a lead is deleted.
#[derive(Debug, Clone, Copy)]
pub enum Deletion<'a> {
    /// Somebody asked for it: the person must not come back by a capture without a newer consent.
    Erasure {
        /// Whom the audit log names.
        by: &'a str,
    },
    /// It is kept long enough by these terms; nothing is deleted if that has changed by now.
    Retention(&'a Retention),
}

impl Store {
    /// Deletes a lead, its contact and all that hangs on them; false if there is none, or if it is not due any more.
    ///
    /// # Errors
    /// The database; nothing is deleted then.
    pub async fn delete_lead(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        id: Uuid,
        deletion: Deletion<'_>,
    ) -> Result<bool> {
        let transaction = self.begin().await?;
        let found = scope::select::<lead::Entity>(workspace)
            .filter(lead::Column::Id.eq(id))
            .one(&*transaction)
            .await?;
        let Some(found) = found else { return Ok(false) };
        let root = found.merged_into.unwrap_or(id);
        // All the leads that the person is, in the order of every other write, so that none that was planned before adds
        // to what is being deleted.
        let of_person = || {
            scope::select::<lead::Entity>(workspace).filter(
                Condition::any()
                    .add(lead::Column::Id.eq(root))
                    .add(lead::Column::MergedInto.eq(root)),
            )
        };
        let parts = async || -> Result<BTreeMap<Uuid, Uuid>> {
            let parts: Vec<(Uuid, Uuid)> = of_person()
                .select_only()
                .columns([lead::Column::Id, lead::Column::ContactId])
                .into_tuple()
                .all(&*transaction)
                .await?;
            Ok(parts.into_iter().collect())
        };
        let expected = parts().await?;
        let people = scope::select::<contact::Entity>(workspace)
            .filter(contact::Column::Id.is_in(expected.values().copied()))
            .order_by_asc(contact::Column::Id)
            .lock_exclusive()
            .all(&*transaction)
            .await?;
        let leads = of_person()
            .order_by_asc(lead::Column::Id)
            .lock_exclusive()
            .all(&*transaction)
            .await?;
        // A merge, or the end of one, may have come between: then the person is not the one that was locked.
        let is_whole = leads
            .iter()
            .any(|row| row.id == root && row.merged_into.is_none())
            && expected.contains_key(&id)
            && parts().await? == expected;
        moved_unless(is_whole, "leads_by_survivor")?;
        let gone = || leads.iter().map(|row| row.id);
        let contacts = || leads.iter().map(|row| row.contact_id);
        let now = self.clock.now();
        let (by, is_erasure) = match deletion {
            Deletion::Erasure { by } => (by, true),
            Deletion::Retention(retention) => {
                // The lead that is shown has the stage and the last activity of the whole person.
                let is_due = match leads.iter().find(|row| row.id == root) {
                    Some(row) => {
                        let secrets = self.secrets_for(keys, rows::of_lead(row)).await?;
                        let lead = rows::lead(&secrets, row.clone())?;
                        retention.is_due(lead.stage, lead.last_activity_at, now)
                    }
                    None => false,
                };
                if !is_due {
                    return Ok(false);
                }
                ("system:retention", false)
            }
        };
        scope::delete::<sync_job::Entity>(workspace)
            .filter(sync_job::Column::LeadId.is_in(gone()))
            .exec(&*transaction)
            .await?;
        scope::delete::<activity::Entity>(workspace)
            .filter(activity::Column::LeadId.is_in(gone()))
            .exec(&*transaction)
            .await?;
        scope::delete::<score::Entity>(workspace)
            .filter(score::Column::LeadId.is_in(gone()))
            .exec(&*transaction)
            .await?;
        scope::delete::<merge::Entity>(workspace)
            .filter(merge::Column::SurvivorLead.is_in(gone()))
            .exec(&*transaction)
            .await?;
        scope::delete::<message::Entity>(workspace)
            .filter(message::Column::ContactId.is_in(contacts()))
            .exec(&*transaction)
            .await?;
        scope::delete::<consent::Entity>(workspace)
            .filter(consent::Column::ContactId.is_in(contacts()))
            .exec(&*transaction)
            .await?;
        if is_erasure {
            let tombstone = leads_runtime::ids::new_id(&self.clock);
            bury(
                &transaction,
                keys,
                workspace,
                contacts().collect(),
                tombstone,
                now,
            )
            .await?;
        }
        scope::delete::<identity::Entity>(workspace)
            .filter(identity::Column::ContactId.is_in(contacts()))
            .exec(&*transaction)
            .await?;
        let deleted = scope::delete::<lead::Entity>(workspace)
            .filter(lead::Column::Id.is_in(gone()))
            .exec(&*transaction)
            .await?;
        scope::delete::<contact::Entity>(workspace)
            .filter(contact::Column::Id.is_in(contacts()))
            .exec(&*transaction)
            .await?;
        former_keys::doom(&transaction, workspace, &people, now).await?;
        for id in gone() {
            let act = Act::new(by, Action::LeadDeleted, ids::format::<ids::Lead>(id));
            audit::append(&transaction, keys, workspace, act, now).await?;
        }
        transaction.commit().await?;
        if let Err(error) = self.destroy_former_keys().await {
            tracing::warn!(error = %error, "the keys of who was deleted are destroyed later");
        }
        Ok(deleted.rows_affected > 0)
    }
}

//! Deletion of people.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::{
    Store, Transaction, audit,
    contacts::bury,
    crypto::WorkspaceKeys,
    entity::{activity, consent, contact, erasure, identity, lead, merge, message, score, sync_job},
    erasures::{self, Owed, Receipts},
    error::Result,
    former_keys,
    idempotency::forget_answers_of,
    rows, scope,
    transaction::moved_unless,
};
use crate::domain::{
    audit::{Act, Action},
    ids,
    retention::Retention,
};

/// Whom to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Whoever a lead is, with all the leads that are shown as one.
    Lead(Uuid),
    /// Whoever a contact is.
    Contact(Uuid),
}

/// Why somebody is deleted.
#[derive(Debug, Clone, Copy)]
pub enum Deletion<'a> {
    /// Somebody asked for it: CRMs are to delete the person as well, who must not come back by a capture without a newer
    /// consent.
    Erasure {
        /// Whom the audit log names.
        by: &'a str,
    },
    /// It is kept long enough by these terms; nothing is deleted if that has changed by now. CRMs keep what they have.
    Retention(&'a Retention),
}

/// What a deletion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// The erasure, if it was one.
    pub erasure: Option<Uuid>,
}

/// All that a person is, locked.
struct Whole {
    root: Option<Uuid>,
    leads: Vec<lead::Model>,
    contacts: Vec<contact::Model>,
}

impl Store {
    /// Deletes somebody with everything that hangs on them; none if there is nobody, or if it is not due any more.
    ///
    /// # Errors
    /// The database; nothing is deleted then. `Conflict` if the person changed meanwhile.
    pub async fn delete_person(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        target: Target,
        deletion: Deletion<'_>,
    ) -> Result<Option<Deleted>> {
        let transaction = self.begin().await?;
        let Some(whole) = locked(&transaction, workspace, target).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let leads: Vec<Uuid> = whole.leads.iter().map(|row| row.id).collect();
        let contacts: Vec<Uuid> = whole.contacts.iter().map(|row| row.id).collect();
        let (by, erasure) = match deletion {
            Deletion::Erasure { by } => (by, Some(leads_runtime::ids::new_id(&self.clock))),
            Deletion::Retention(retention) => {
                if !self.is_due(keys, &whole, retention, now).await? {
                    return Ok(None);
                }
                ("system:retention", None)
            }
        };
        let mut owed = Owed::default();
        match erasure {
            Some(erasure) => {
                owed = erasures::owe(&transaction, &self.clock, workspace, &leads, erasure).await?;
            }
            None => {
                scope::delete::<sync_job::Entity>(workspace)
                    .filter(sync_job::Column::LeadId.is_in(leads.iter().copied()))
                    .exec(&*transaction)
                    .await?;
            }
        }
        let mut deleted = owed.deleted + what_hangs_on(&transaction, workspace, &leads, &contacts).await?;
        if let Some(erasure) = erasure {
            // The contact of nobody that keeps the addresses' blind indexes has the erasure's name.
            bury(&transaction, keys, workspace, contacts.clone(), erasure, now).await?;
        }
        deleted += themselves(&transaction, workspace, &leads, &contacts).await?;
        former_keys::doom(&transaction, workspace, &whole.contacts, erasure.is_some(), now).await?;
        let mut acts: Vec<Act> = leads
            .iter()
            .map(|id| Act::new(by, Action::LeadDeleted, ids::format::<ids::Lead>(*id)))
            .collect();
        if let Some(id) = erasure {
            let systems: Vec<&str> = owed.systems.keys().copied().collect();
            let act = Act::new(by, Action::ErasureRequested, ids::format::<ids::Erasure>(id))
                .with("leads", leads.len().to_string())
                .with("contacts", contacts.len().to_string())
                .with("crms", systems.join(", "));
            acts.push(act);
            let row = erasure::Model {
                id,
                workspace_id: workspace,
                actor: by.to_owned(),
                requested_at: now,
                leads: rows::to_json(&leads),
                contacts: rows::to_json(&contacts),
            };
            transaction
                .insert::<erasure::Entity>(workspace, vec![row])
                .await?;
            let receipts = Receipts {
                erasure: id,
                workspace,
                rows: deleted,
                owed,
                at: now,
            };
            erasures::open(&transaction, receipts).await?;
        }
        for act in acts {
            audit::append(&transaction, keys, workspace, act, now).await?;
        }
        transaction.commit().await?;
        if let Err(error) = self.destroy_keys_of(workspace, &contacts).await {
            tracing::warn!(error = %error, "the keys of who was deleted are destroyed later");
        }
        Ok(Some(Deleted { erasure }))
    }

    /// The lead that is shown has the stage and the last activity of the whole person.
    async fn is_due(
        &self,
        keys: &WorkspaceKeys,
        whole: &Whole,
        retention: &Retention,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let shown = whole.leads.iter().find(|row| Some(row.id) == whole.root);
        let Some(shown) = shown else { return Ok(false) };
        let secrets = self.secrets_for(keys, rows::of_lead(shown)).await?;
        let lead = rows::lead(&secrets, shown.clone())?;
        Ok(retention.is_due(lead.stage, lead.last_activity_at, now))
    }
}

/// Locks all that a person is, in the order of every other write, so that none that was planned before adds to what is
/// being deleted.
async fn locked(transaction: &Transaction, workspace: Uuid, target: Target) -> Result<Option<Whole>> {
    let asked = scope::select::<lead::Entity>(workspace)
        .filter(match target {
            Target::Lead(id) => lead::Column::Id.eq(id),
            Target::Contact(id) => lead::Column::ContactId.eq(id),
        })
        .one(&**transaction)
        .await?;
    let root = match (&asked, target) {
        (Some(asked), _) => Some(asked.merged_into.unwrap_or(asked.id)),
        (None, Target::Contact(_)) => None,
        (None, Target::Lead(_)) => return Ok(None),
    };
    let expected = parts(transaction, workspace, root, target).await?;
    let contacts = scope::select::<contact::Entity>(workspace)
        .filter(contact::Column::Id.is_in(expected.keys().copied()))
        .filter(contact::Column::ErasedAt.is_null())
        .order_by_asc(contact::Column::Id)
        .lock_exclusive()
        .all(&**transaction)
        .await?;
    if contacts.is_empty() {
        return Ok(None);
    }
    let leads = of_person(workspace, root, target)
        .order_by_asc(lead::Column::Id)
        .lock_exclusive()
        .all(&**transaction)
        .await?;
    // A merge, or the end of one, may have come between: then the person is not the one that was locked.
    let is_rooted = root.is_none_or(|root| {
        leads
            .iter()
            .any(|row| row.id == root && row.merged_into.is_none())
    });
    let has_asked = asked.is_none_or(|asked| leads.iter().any(|row| row.id == asked.id));
    let is_whole = is_rooted
        && has_asked
        && contacts.len() == expected.len()
        && parts(transaction, workspace, root, target).await? == expected;
    moved_unless(is_whole, "leads_by_survivor")?;
    Ok(Some(Whole {
        root,
        leads,
        contacts,
    }))
}

/// The leads that a person is; of a contact that is none, whether it has become one.
fn of_person(workspace: Uuid, root: Option<Uuid>, target: Target) -> Select<lead::Entity> {
    let mut any = Condition::any();
    if let Some(root) = root {
        any = any
            .add(lead::Column::Id.eq(root))
            .add(lead::Column::MergedInto.eq(root));
    }
    if let (None, Target::Contact(contact)) = (root, target) {
        any = any.add(lead::Column::ContactId.eq(contact));
    }
    scope::select::<lead::Entity>(workspace).filter(any)
}

/// Contacts, each with its lead.
async fn parts(
    transaction: &Transaction,
    workspace: Uuid,
    root: Option<Uuid>,
    target: Target,
) -> Result<BTreeMap<Uuid, Option<Uuid>>> {
    let found: Vec<(Uuid, Uuid)> = of_person(workspace, root, target)
        .select_only()
        .columns([lead::Column::ContactId, lead::Column::Id])
        .into_tuple()
        .all(&**transaction)
        .await?;
    let mut parts: BTreeMap<Uuid, Option<Uuid>> = found
        .into_iter()
        .map(|(contact, lead)| (contact, Some(lead)))
        .collect();
    if let (None, Target::Contact(contact)) = (root, target) {
        parts.entry(contact).or_insert(None);
    }
    Ok(parts)
}

/// Deletes what belongs to leads and contacts; returns how many rows.
async fn what_hangs_on(
    transaction: &Transaction,
    workspace: Uuid,
    leads: &[Uuid],
    contacts: &[Uuid],
) -> Result<u64> {
    let (leads, contacts) = (|| leads.iter().copied(), || contacts.iter().copied());
    let mut deleted = scope::delete::<activity::Entity>(workspace)
        .filter(activity::Column::LeadId.is_in(leads()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += scope::delete::<score::Entity>(workspace)
        .filter(score::Column::LeadId.is_in(leads()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += scope::delete::<merge::Entity>(workspace)
        .filter(
            Condition::any()
                .add(merge::Column::SurvivorLead.is_in(leads()))
                .add(merge::Column::AbsorbedLead.is_in(leads())),
        )
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += scope::delete::<message::Entity>(workspace)
        .filter(message::Column::ContactId.is_in(contacts()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += scope::delete::<consent::Entity>(workspace)
        .filter(consent::Column::ContactId.is_in(contacts()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += forget_answers_of(transaction, workspace, contacts().collect()).await?;
    Ok(deleted)
}

async fn themselves(
    transaction: &Transaction,
    workspace: Uuid,
    leads: &[Uuid],
    contacts: &[Uuid],
) -> Result<u64> {
    let mut deleted = scope::delete::<identity::Entity>(workspace)
        .filter(identity::Column::ContactId.is_in(contacts.iter().copied()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += scope::delete::<lead::Entity>(workspace)
        .filter(lead::Column::Id.is_in(leads.iter().copied()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    deleted += scope::delete::<contact::Entity>(workspace)
        .filter(contact::Column::Id.is_in(contacts.iter().copied()))
        .exec(&**transaction)
        .await?
        .rows_affected;
    Ok(deleted)
}

//! What contacts are found by.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};
use uuid::Uuid;

use super::{
    crypto::WorkspaceKeys,
    entity::{consent, contact, idempotency, identity, message},
    error::Result,
    former_keys, scope,
    transaction::{Transaction, moved_unless},
};
use crate::domain::identity::{Kind, Mark};

/// Something that a contact is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The contact.
    pub contact: Uuid,
    /// The value.
    pub mark: Mark,
    /// Its place among the contacts that have it; none where it does not count.
    pub place: Option<i32>,
}

/// A contact that goes up in another one. Its messages are stored anew, its consents and visitor ids move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The contact that goes.
    pub contact: Uuid,
    /// Its revision.
    pub revision: i64,
    /// The contact that stays.
    pub into: Uuid,
}

/// The name of a row of `identities`.
#[derive(Debug)]
pub(super) struct Known {
    contact: Uuid,
    kind: String,
    value_index: Vec<u8>,
}

impl Known {
    pub(super) fn of(row: &identity::Model) -> Self {
        Self {
            contact: row.contact_id,
            kind: row.kind.clone(),
            value_index: row.value_index.clone(),
        }
    }
}

/// Deletes a row, if it is there.
pub(super) async fn forget(transaction: &Transaction, workspace: Uuid, known: Known) -> Result<()> {
    scope::delete::<identity::Entity>(workspace)
        .filter(identity::Column::ContactId.eq(known.contact))
        .filter(identity::Column::Kind.eq(known.kind))
        .filter(identity::Column::ValueIndex.eq(known.value_index))
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// The rows of a mark: one for each index key that is written.
pub(super) fn identity_rows(
    keys: &WorkspaceKeys,
    workspace: Uuid,
    contact: Uuid,
    mark: &Mark,
    place: Option<i32>,
) -> impl Iterator<Item = identity::Model> {
    let kind = mark.kind.word();
    keys.indexes()
        .iter()
        .filter(|key| key.is_written())
        .map(move |key| identity::Model {
            contact_id: contact,
            kind: kind.to_owned(),
            value_index: key.value(kind, &mark.value),
            workspace_id: workspace,
            place,
            key_number: key.number(),
        })
}

/// The names of a mark's rows under every key that they may have been written with.
pub(super) fn names_of(keys: &WorkspaceKeys, contact: Uuid, mark: &Mark) -> Vec<Known> {
    let kind = mark.kind.word();
    let name = |value_index| Known {
        contact,
        kind: kind.to_owned(),
        value_index,
    };
    keys.value_indexes(kind, &mark.value)
        .into_iter()
        .map(name)
        .collect()
}

/// Moves what the other contact is not given anew, and deletes the rest.
pub(super) async fn join_contacts(
    transaction: &Transaction,
    workspace: Uuid,
    joined: Joined,
    at: DateTime<Utc>,
) -> Result<()> {
    former_keys::hand_over(transaction, workspace, joined, at).await?;
    let deleted = scope::delete::<contact::Entity>(workspace)
        .filter(contact::Column::Id.eq(joined.contact))
        .filter(contact::Column::Revision.eq(joined.revision))
        .exec(&**transaction)
        .await?;
    moved_unless(deleted.rows_affected == 1, "contacts.revision")?;
    scope::delete::<message::Entity>(workspace)
        .filter(message::Column::ContactId.eq(joined.contact))
        .exec(&**transaction)
        .await?;
    scope::update::<consent::Entity>(workspace)
        .filter(consent::Column::ContactId.eq(joined.contact))
        .col_expr(consent::Column::ContactId, Expr::value(joined.into))
        .exec(&**transaction)
        .await?;
    scope::update::<idempotency::Entity>(workspace)
        .filter(idempotency::Column::ContactId.eq(joined.contact))
        .col_expr(idempotency::Column::ContactId, Expr::value(joined.into))
        .exec(&**transaction)
        .await?;
    let visitor = Kind::Visitor.word();
    let there = scope::select::<identity::Entity>(workspace)
        .select_only()
        .column(identity::Column::ValueIndex)
        .filter(identity::Column::ContactId.eq(joined.into))
        .filter(identity::Column::Kind.eq(visitor));
    scope::update::<identity::Entity>(workspace)
        .filter(identity::Column::ContactId.eq(joined.contact))
        .filter(identity::Column::Kind.eq(visitor))
        .filter(identity::Column::ValueIndex.not_in_subquery(there.into_query()))
        .col_expr(identity::Column::ContactId, Expr::value(joined.into))
        .exec(&**transaction)
        .await?;
    scope::delete::<identity::Entity>(workspace)
        .filter(identity::Column::ContactId.eq(joined.contact))
        .exec(&**transaction)
        .await?;
    Ok(())
}

//! Blind indexes and search words made anew: under another index key, or after settings by which people are found have
//! changed.
//!
//! While one index key takes the place of another, rows are written with both and looked up by both, so that a value
//! which only one contact can have is taken for every replica, whichever of the keys it knows.

use std::collections::{BTreeMap, HashSet};

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    QueryTrait,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    Store, Transaction,
    capture::search_tokens,
    crypto::{IndexKey, Purpose, WorkspaceKeys},
    entity::{contact, data_key, identity, member, renewal},
    error::{Error, Result},
    members, rekeying, renewal as walks, rows,
    scope::{self, Reach},
};
use crate::domain::{
    identity::{Kind, Mark, marks},
    workspace::Workspace,
};

impl Store {
    /// Makes a contact's rows what its profile and the present settings and keys say.
    ///
    /// # Errors
    /// The database or the key store.
    pub async fn renew_indexes(&self, workspace: &Workspace, id: Uuid) -> Result<()> {
        let keys = &*self.workspace_keys(workspace.id).await?;
        let find = || scope::select::<contact::Entity>(workspace.id).filter(contact::Column::Id.eq(id));
        let Some(row) = find().one(self.reader()).await? else {
            return Ok(());
        };
        if row.erased_at.is_some() {
            // Nothing is known of it but its rows.
            return Ok(());
        }
        let secrets = self.secrets_for(keys, rows::of_contact(&row)).await?;
        let (revision, search) = (row.revision, row.search.clone());
        let profile = match rows::contact(&secrets, row) {
            Ok(contact) => contact.profile,
            Err(error @ Error::Inconsistent { .. }) => {
                tracing::error!(contact.id = %id, error = %error, "a contact cannot be indexed anew");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let wanted = marks(&profile, &workspace.settings);
        let words = search_tokens(keys, &profile);

        let transaction = self.begin().await?;
        let is_same = find()
            .filter(contact::Column::Revision.eq(revision))
            .lock_exclusive()
            .one(&*transaction)
            .await?
            .is_some();
        if !is_same {
            // Whoever changed it meanwhile indexed what they changed; the rest is done by the next look.
            drop(transaction);
            return Box::pin(self.renew_indexes(workspace, id)).await;
        }
        let there = scope::select::<identity::Entity>(workspace.id)
            .filter(identity::Column::ContactId.eq(id))
            .all(&*transaction)
            .await?;
        let written: Vec<&IndexKey> = keys.indexes().iter().filter(|key| key.is_written()).collect();
        let mut kept = HashSet::new();
        for mark in &wanted {
            let place = place_of(&there, keys, mark);
            for key in &written {
                let row = identity::Model {
                    contact_id: id,
                    kind: mark.kind.word().to_owned(),
                    value_index: key.value(mark.kind.word(), &mark.value),
                    workspace_id: workspace.id,
                    place,
                    key_number: key.number(),
                };
                kept.insert((row.kind.clone(), row.value_index.clone()));
                let is_there = there
                    .iter()
                    .any(|known| known.kind == row.kind && known.value_index == row.value_index);
                if !is_there {
                    add(&transaction, row).await?;
                }
            }
        }
        for row in there {
            let is_written = written.iter().any(|key| key.number() == row.key_number);
            if is_written && !kept.contains(&(row.kind.clone(), row.value_index.clone())) {
                scope::delete::<identity::Entity>(workspace.id)
                    .filter(identity::Column::ContactId.eq(id))
                    .filter(identity::Column::Kind.eq(row.kind))
                    .filter(identity::Column::ValueIndex.eq(row.value_index))
                    .exec(&*transaction)
                    .await?;
            }
        }
        if words != search {
            scope::update::<contact::Entity>(workspace.id)
                .filter(contact::Column::Id.eq(id))
                .col_expr(contact::Column::Search, Expr::value(words))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// After a walk: has older index keys no longer written, then removes what they wrote, except of the erased, whose
    /// values nobody knows any more. False while there is more to do.
    pub(super) async fn finish_indexes(&self, walk: &renewal::Model) -> Result<bool> {
        let (workspace, now) = (walk.workspace_id, self.clock.now());
        let keys = scope::select::<data_key::Entity>(workspace)
            .filter(data_key::Column::Purpose.eq(Purpose::Index.word()))
            .all(self.reader())
            .await?;
        let active = keys.iter().filter(|row| row.active_at <= now);
        let Some(newest) = active.map(|row| row.number).max() else {
            return Ok(true);
        };
        let older = || {
            scope::update::<data_key::Entity>(workspace)
                .filter(data_key::Column::Purpose.eq(Purpose::Index.word()))
                .filter(data_key::Column::Number.lt(newest))
        };
        if keys
            .iter()
            .any(|row| row.number < newest && row.retired_at.is_none())
        {
            self.renew_members(workspace).await?;
            let retired_at = now + rekeying::ANNOUNCED;
            let transaction = self.begin().await?;
            let retired = older()
                .filter(data_key::Column::RetiredAt.is_null())
                .col_expr(data_key::Column::RetiredAt, Expr::value(Some(retired_at)))
                .exec(&*transaction)
                .await?;
            if retired.rows_affected > 0 {
                let settled = retired_at + walks::SETTLED;
                walks::begin(&transaction, workspace, walks::Kind::Indexes, settled).await?;
            }
            transaction.commit().await?;
            return Ok(false);
        }
        let is_settled = |row: &data_key::Model| row.retired_at.is_some_and(|at| at + walks::SETTLED <= now);
        if keys.iter().any(|row| row.number < newest && !is_settled(row)) {
            return Ok(false);
        }
        for row in keys.iter().filter(|row| row.number < newest) {
            self.forget_index(workspace, row.number).await?;
        }
        Ok(true)
    }

    async fn forget_index(&self, workspace: Uuid, number: i16) -> Result<()> {
        let erased = scope::select::<contact::Entity>(workspace)
            .select_only()
            .column(contact::Column::Id)
            .filter(contact::Column::ErasedAt.is_not_null());
        let transaction = self.begin().await?;
        scope::delete::<identity::Entity>(workspace)
            .filter(identity::Column::KeyNumber.eq(number))
            .filter(identity::Column::ContactId.not_in_subquery(erased.into_query()))
            .exec(&*transaction)
            .await?;
        let left = scope::select::<identity::Entity>(workspace)
            .filter(identity::Column::KeyNumber.eq(number))
            .limit(1)
            .count(&*transaction)
            .await?;
        if left == 0 {
            scope::delete::<data_key::Entity>(workspace)
                .filter(data_key::Column::Purpose.eq(Purpose::Index.word()))
                .filter(data_key::Column::Number.eq(number))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await
    }

    async fn renew_members(&self, workspace: Uuid) -> Result<()> {
        let keys = &*self.workspace_keys(workspace).await?;
        let Some(index) = keys.newest_index() else {
            return Ok(());
        };
        let found = scope::select::<member::Entity>(workspace)
            .all(self.reader())
            .await?;
        let transaction = self.begin().await?;
        for row in found {
            let email = rows::open_text(keys, members::EMAIL, row.id, &row.sealed)?;
            scope::update::<member::Entity>(workspace)
                .filter(member::Column::Id.eq(row.id))
                .col_expr(
                    member::Column::EmailIndex,
                    Expr::value(index.value("email", &email)),
                )
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await
    }
}

/// The place of a mark among the contacts that have it: the one that another key's row has, or that it gets.
fn place_of(there: &[identity::Model], keys: &WorkspaceKeys, mark: &Mark) -> Option<i32> {
    let kind = mark.kind.word();
    let names = keys.value_indexes(kind, &mark.value);
    let known: BTreeMap<i16, Option<i32>> = there
        .iter()
        .filter(|row| row.kind == kind && names.contains(&row.value_index))
        .map(|row| (row.key_number, row.place))
        .collect();
    match (known.into_values().next_back(), mark.kind) {
        (Some(place), _) => place,
        (None, Kind::Email | Kind::Mailbox) => Some(0),
        (None, Kind::Visitor | Kind::Phone | Kind::AddressVariant | Kind::NameAndCompany) => None,
    }
}

/// Adds a row; without a place if another contact has the value: the two are listed as duplicates then.
async fn add(transaction: &Transaction, row: identity::Model) -> Result<()> {
    transaction.enter(Reach::One(row.workspace_id)).await?;
    #[expect(clippy::disallowed_methods, reason = "a row that another contact has is left")]
    let insert = |row: identity::Model| {
        identity::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .into_query()
    };
    let without = identity::Model {
        place: None,
        ..row.clone()
    };
    let added = transaction.execute(&insert(row)).await?;
    if added.rows_affected() == 0 {
        transaction.execute(&insert(without)).await?;
    }
    Ok(())
}

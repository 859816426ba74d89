//! Sealing anew what is sealed under another key than it would be now.
//!
//! A value is replaced only if it is still the one that was read: whoever writes meanwhile writes under a key that is
//! right, or is caught when the key that they wrote under is about to go.

use sea_orm::{
    ColumnTrait, DbBackend, QueryFilter, QuerySelect, Value,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Store, connections, consents,
    crypto::{Header, Opens, Place, Purpose, Sealer, Seals, WorkspaceKeys},
    entity::{
        activity, connection, connection_task, consent, contact, data_key, idempotency, lead, member, merge,
        message, renewal, score, sync_job,
    },
    error::{Error, Result},
    former_keys, idempotency as answers, members, renewal as walks, rows,
    scope::{self, Scoped},
    tasks,
};

/// Values that are replaced in one transaction.
const BATCH: usize = 200;

/// A sealed column of a table.
struct Column<E: Scoped> {
    id: E::Column,
    sealed: E::Column,
    name: &'static str,
}

impl Store {
    /// Seals everything of a contact under its key, which it gets if it has none.
    ///
    /// # Errors
    /// The database or the key store.
    pub async fn renew_seals(&self, workspace: Uuid, id: Uuid) -> Result<()> {
        let keys = &*self.workspace_keys(workspace).await?;
        let find = || {
            scope::select::<contact::Entity>(workspace)
                .filter(contact::Column::Id.eq(id))
                .one(self.reader())
        };
        let Some(mut row) = find().await? else {
            return Ok(());
        };
        if row.key_id.is_none() && row.erased_at.is_none() {
            self.give_key(&row).await?;
            match find().await? {
                Some(found) => row = found,
                None => return Ok(()),
            }
        }
        let sealer = match self.sealer_of(keys, row.key_id).await {
            Ok(sealer) => sealer,
            // It is being deleted.
            Err(Error::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let leads: Vec<Uuid> = scope::select::<lead::Entity>(workspace)
            .select_only()
            .column(lead::Column::Id)
            .filter(lead::Column::ContactId.eq(id))
            .into_tuple()
            .all(self.reader())
            .await?;
        let is_contact = contact::Column::Id.eq(id);
        for (sealed, name) in [
            (contact::Column::Profile, rows::PROFILE),
            (contact::Column::SeenSealed, rows::SEEN),
        ] {
            let id = contact::Column::Id;
            let column = Column::<contact::Entity> { id, sealed, name };
            self.renew_column(keys, &sealer, column, is_contact.clone())
                .await?;
        }
        let of_contact = lead::Column::ContactId.eq(id);
        for (sealed, name) in [
            (lead::Column::IntentSealed, rows::INTENT),
            (lead::Column::OwnSealed, rows::OWN),
        ] {
            let id = lead::Column::Id;
            let column = Column::<lead::Entity> { id, sealed, name };
            self.renew_column(keys, &sealer, column, of_contact.clone())
                .await?;
        }
        let of_contact = message::Column::ContactId.eq(id);
        self.renew_column(keys, &sealer, messages(), of_contact).await?;
        let of_contact = consent::Column::ContactId.eq(id);
        self.renew_column(keys, &sealer, consents(), of_contact).await?;
        if leads.is_empty() {
            return Ok(());
        }
        let of_lead = score::Column::LeadId.is_in(leads.iter().copied());
        self.renew_column(keys, &sealer, scores(), of_lead).await?;
        let of_lead = activity::Column::LeadId.is_in(leads.iter().copied());
        self.renew_column(keys, &sealer, activities(), of_lead).await?;
        let of_lead = merge::Column::SurvivorLead.is_in(leads.iter().copied());
        self.renew_column(keys, &sealer, merges(), of_lead).await?;
        let of_lead = sync_job::Column::LeadId.is_in(leads.iter().copied());
        self.renew_reasons(keys, &sealer, of_lead).await
    }

    /// Gives a contact its first key. Its revision moves, so that whoever planned without the key plans again.
    async fn give_key(&self, row: &contact::Model) -> Result<()> {
        let (workspace, now) = (row.workspace_id, self.clock.now());
        let fresh = self.key_store.take(self.keyring.keks()).await?;
        let transaction = self.begin().await?;
        let given = scope::update::<contact::Entity>(workspace)
            .filter(contact::Column::Id.eq(row.id))
            .filter(contact::Column::Revision.eq(row.revision))
            .filter(contact::Column::KeyId.is_null())
            .col_expr(contact::Column::KeyId, Expr::value(Some(fresh.id)))
            .col_expr(contact::Column::Revision, Expr::value(row.revision + 1))
            .exec(&*transaction)
            .await?;
        if given.rows_affected == 1 {
            let former = former_keys::of_workspace(workspace, row.id, now);
            former_keys::add(&transaction, vec![former]).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Seals the values of a column under `sealer`, as far as they are not yet.
    async fn renew_column<E: Scoped>(
        &self,
        keys: &WorkspaceKeys,
        sealer: &Sealer,
        column: Column<E>,
        whose: SimpleExpr,
    ) -> Result<()> {
        let is_other = differs(column.sealed, 1, &sealer.header().bytes(), self.backend());
        let found: Vec<(Uuid, Vec<u8>)> = scope::select::<E>(keys.workspace())
            .select_only()
            .columns([column.id, column.sealed])
            .filter(whose)
            .filter(column.sealed.is_not_null())
            .filter(is_other)
            .into_tuple()
            .all(self.reader())
            .await?;
        if found.is_empty() {
            return Ok(());
        }
        let secrets = self
            .secrets_for(keys, found.iter().map(|(_, sealed)| sealed.as_slice()))
            .await?;
        for some in found.chunks(BATCH) {
            let transaction = self.begin().await?;
            for (row, sealed) in some {
                let Some(anew) = anew(&secrets, sealer, column.name, *row, sealed) else {
                    continue;
                };
                scope::update::<E>(keys.workspace())
                    .filter(column.id.eq(*row))
                    .filter(column.sealed.eq(sealed.clone()))
                    .col_expr(column.sealed, Expr::value(anew))
                    .exec(&*transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }

    async fn renew_reasons(&self, keys: &WorkspaceKeys, sealer: &Sealer, whose: SimpleExpr) -> Result<()> {
        let found = scope::select::<sync_job::Entity>(keys.workspace())
            .filter(whose)
            .filter(sync_job::Column::Reason.is_not_null())
            .all(self.reader())
            .await?;
        for row in found {
            let Some(stored) = row.reason else { continue };
            let Some(sealed) = rows::sealed_reason(row.id, &stored)? else {
                continue;
            };
            if Header::of(&sealed) == Ok(sealer.header()) {
                continue;
            }
            let secrets = self.secrets_for(keys, std::iter::once(sealed.as_slice())).await?;
            let Some(anew) = anew(&secrets, sealer, rows::REASON, row.id, &sealed) else {
                continue;
            };
            let transaction = self.begin().await?;
            scope::update::<sync_job::Entity>(keys.workspace())
                .filter(sync_job::Column::Id.eq(row.id))
                .filter(sync_job::Column::Reason.eq(stored))
                .col_expr(sync_job::Column::Reason, Expr::value(Some(rows::encoded(anew))))
                .exec(&*transaction)
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Seals anew what belongs to the workspace itself, then removes the data keys that seal nothing any more. False if
    /// something was left: then all contacts are walked through again.
    pub(super) async fn finish_seals(&self, walk: &renewal::Model) -> Result<bool> {
        let workspace = walk.workspace_id;
        let keys = &*self.workspace_keys(workspace).await?;
        let all = || Expr::value(true);
        let sealer = keys.sealer();
        for (sealed, name) in [
            (connection::Column::Sealed, connections::SECRET),
            (connection::Column::ProblemSealed, connections::PROBLEM),
        ] {
            let id = connection::Column::Id;
            let column = Column::<connection::Entity> { id, sealed, name };
            self.renew_column(keys, sealer, column, all()).await?;
        }
        // Credentials that are checked take the place of the connection's, so they are sealed as those are; what they
        // belong to is not their own row, and they are gone within minutes.
        let tasks = Column::<connection_task::Entity> {
            id: connection_task::Column::Id,
            sealed: connection_task::Column::ProblemSealed,
            name: tasks::PROBLEM,
        };
        self.renew_column(keys, sealer, tasks, all()).await?;
        let candidates = Column::<connection_task::Entity> {
            id: connection_task::Column::ConnectionId,
            sealed: connection_task::Column::Sealed,
            name: connections::SECRET,
        };
        self.renew_column(keys, sealer, candidates, all()).await?;
        let members = Column::<member::Entity> {
            id: member::Column::Id,
            sealed: member::Column::Sealed,
            name: members::EMAIL,
        };
        self.renew_column(keys, sealer, members, all()).await?;
        self.renew_answers(keys).await?;
        if self.is_sealed_otherwise(keys).await? {
            tracing::warn!(workspace.id = %workspace, "values are left under an older data key; they are looked for again");
            self.walk_again(walk, self.clock.now() + walks::SETTLED).await?;
            return Ok(false);
        }
        let transaction = self.begin().await?;
        scope::delete::<data_key::Entity>(workspace)
            .filter(data_key::Column::Purpose.eq(Purpose::Data.word()))
            .filter(data_key::Column::Number.lt(i16::from(sealer.header().number)))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Kept answers stay under their contact's key; those whose contact was erased go.
    async fn renew_answers(&self, keys: &WorkspaceKeys) -> Result<()> {
        let number = keys.sealer().header().number;
        let is_other = has_number(idempotency::Column::Response, number, self.backend());
        loop {
            let found: Vec<(Uuid, Vec<u8>)> = scope::select::<idempotency::Entity>(keys.workspace())
                .select_only()
                .columns([idempotency::Column::RequestId, idempotency::Column::Response])
                .filter(is_other.clone())
                .limit(BATCH as u64)
                .into_tuple()
                .all(self.reader())
                .await?;
            if found.is_empty() {
                return Ok(());
            }
            let secrets = self
                .secrets_for(keys, found.iter().map(|(_, sealed)| sealed.as_slice()))
                .await?;
            let mut sealed_anew = Vec::with_capacity(found.len());
            for (request, sealed) in found {
                let key = Header::of(&sealed).ok().and_then(|header| header.contact_key);
                let anew = match self.sealer_of(keys, key).await {
                    Ok(sealer) => anew(&secrets, &sealer, answers::COLUMN, request, &sealed),
                    Err(Error::Conflict { .. }) => None,
                    Err(error) => return Err(error),
                };
                sealed_anew.push((request, sealed, anew));
            }
            let transaction = self.begin().await?;
            for (request, sealed, anew) in sealed_anew {
                let named = idempotency::Column::RequestId.eq(request);
                match anew {
                    Some(anew) => {
                        let update = scope::update::<idempotency::Entity>(keys.workspace())
                            .filter(named)
                            .filter(idempotency::Column::Response.eq(sealed))
                            .col_expr(idempotency::Column::Response, Expr::value(anew));
                        update.exec(&*transaction).await?;
                    }
                    None => {
                        let delete = scope::delete::<idempotency::Entity>(keys.workspace()).filter(named);
                        delete.exec(&*transaction).await?;
                    }
                }
            }
            transaction.commit().await?;
        }
    }

    /// Whether any value of the workspace is sealed under another data key than the newest.
    async fn is_sealed_otherwise(&self, keys: &WorkspaceKeys) -> Result<bool> {
        let number = keys.sealer().header().number;
        macro_rules! any_of {
            ($($entity:ident . $column:ident),+ $(,)?) => {
                $(self.has_other(keys.workspace(), $entity::Column::$column, number).await?)||+
            };
        }
        if any_of!(
            contact.Profile,
            contact.SeenSealed,
            lead.IntentSealed,
            lead.OwnSealed,
            message.Sealed,
            consent.Sealed,
            score.Sealed,
            activity.Sealed,
            merge.Sealed,
            connection.Sealed,
            connection.ProblemSealed,
            connection_task.Sealed,
            connection_task.ProblemSealed,
            member.Sealed,
            idempotency.Response,
        ) {
            return Ok(true);
        }
        let reasons: Vec<(Uuid, sea_orm::JsonValue)> = scope::select::<sync_job::Entity>(keys.workspace())
            .select_only()
            .columns([sync_job::Column::Id, sync_job::Column::Reason])
            .filter(sync_job::Column::Reason.is_not_null())
            .into_tuple()
            .all(self.reader())
            .await?;
        for (job, reason) in reasons {
            let sealed = rows::sealed_reason(job, &reason)?;
            if sealed.is_some_and(|sealed| Header::of(&sealed).is_ok_and(|header| header.number != number)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn has_other<C>(&self, workspace: Uuid, column: C, number: u8) -> Result<bool>
    where
        C: ColumnTrait,
        C::EntityName: Scoped,
    {
        Ok(scope::select::<C::EntityName>(workspace)
            .select_only()
            .expr_as(Expr::value(1), "found")
            .filter(column.is_not_null())
            .filter(has_number(column, number, self.backend()))
            .limit(1)
            .into_tuple::<i32>()
            .one(self.reader())
            .await?
            .is_some())
    }
}

fn messages() -> Column<message::Entity> {
    Column {
        id: message::Column::Id,
        sealed: message::Column::Sealed,
        name: rows::MESSAGE,
    }
}

fn consents() -> Column<consent::Entity> {
    Column {
        id: consent::Column::Id,
        sealed: consent::Column::Sealed,
        name: consents::SEALED,
    }
}

fn scores() -> Column<score::Entity> {
    Column {
        id: score::Column::Id,
        sealed: score::Column::Sealed,
        name: rows::SCORE,
    }
}

fn activities() -> Column<activity::Entity> {
    Column {
        id: activity::Column::Id,
        sealed: activity::Column::Sealed,
        name: rows::ACTIVITY,
    }
}

fn merges() -> Column<merge::Entity> {
    Column {
        id: merge::Column::Id,
        sealed: merge::Column::Sealed,
        name: rows::CHOICES,
    }
}

/// The value under another key; none if it cannot be opened. That is logged and stays as it is.
fn anew(
    secrets: &impl Opens,
    sealer: &Sealer,
    column: &'static str,
    row: Uuid,
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let place = Place { column, row };
    let plain = secrets.open(place, sealed).map(zeroize::Zeroizing::new);
    match plain.and_then(|plain| sealer.seal(place, &plain)) {
        Ok(anew) => Some(anew),
        Err(problem) => {
            tracing::error!(column, row = %row, error = %problem, "a value cannot be sealed anew");
            None
        }
    }
}

/// Whether a value is sealed under another data key.
fn has_number(column: impl ColumnTrait, number: u8, backend: DbBackend) -> SimpleExpr {
    // The answers of erased people are empty.
    let is_sealed = column.ne(Vec::<u8>::new());
    is_sealed.and(differs(column, 2, &[number], backend))
}

/// Whether a value has other bytes than these from a place on, which is counted from 1.
fn differs(column: impl ColumnTrait, from: usize, bytes: &[u8], backend: DbBackend) -> SimpleExpr {
    let length = bytes.len();
    let text = match backend {
        DbBackend::Postgres => format!("substr($1, {from}, {length}) <> $2"),
        _ => format!("substr(?, {from}, {length}) <> ?"),
    };
    let value = Value::Bytes(Some(bytes.to_vec()));
    Expr::cust_with_exprs(text, [Expr::col(column.as_column_ref()), Expr::value(value)])
}

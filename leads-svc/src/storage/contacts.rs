//! People, with the lead that they may be.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{
    Store, Transaction,
    crypto::{ContactSecrets, WorkspaceKeys},
    entity::{contact, identity, lead},
    error::{Error, Result},
    rows, scope,
    words::has_terms,
};
use crate::domain::{
    contact::{Contact, Profile},
    identity::{Kind, Mark},
    lead::Lead,
    page::{ContactCursor, ContactQuery},
    search::terms_of_word,
};

/// A contact and its lead, as they were read together.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who it is.
    pub contact: Contact,
    /// Revision of the contact, for compare-and-set.
    pub revision: i64,
    /// Messages so far.
    pub messages: i64,
    /// The lead, if the contact is one.
    pub lead: Option<Lead>,
    /// When the person was erased: nothing else is known of them then.
    pub erased_at: Option<DateTime<Utc>>,
}

/// Who a capture may be of.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Who has the address, or another one of the same mailbox.
    pub by_address: Option<Person>,
    /// Who had the visitor id last.
    pub by_visitor: Option<Person>,
    /// Place of the next contact that has the visitor id.
    pub next_place: i32,
}

/// A contact of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The contact.
    pub contact: Contact,
    /// When it was first seen.
    pub created_at: DateTime<Utc>,
    /// The lead that it is, if it is one.
    pub lead: Option<Uuid>,
}

impl Store {
    /// Who is found by an address's marks, and who by a visitor id.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_people(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        address: &[Mark],
        visitor: Option<&str>,
    ) -> Result<People> {
        if address.is_empty() && visitor.is_none() {
            return Ok(People::default());
        }
        let has = |kind: Kind, value: &str| {
            let kind = kind.word();
            Condition::all()
                .add(identity::Column::Kind.eq(kind))
                .add(identity::Column::ValueIndex.is_in(keys.value_indexes(kind, value)))
        };
        let mut wanted = Condition::any();
        for mark in address {
            wanted = wanted.add(has(mark.kind, &mark.value));
        }
        if let Some(visitor) = visitor {
            let newest = scope::select::<identity::Entity>(workspace)
                .select_only()
                .column_as(identity::Column::Place.max(), "place")
                .filter(has(Kind::Visitor, visitor));
            wanted = wanted.add(
                has(Kind::Visitor, visitor).add(identity::Column::Place.in_subquery(newest.into_query())),
            );
        }
        let contact_of = identity::Entity::belongs_to(contact::Entity)
            .from(identity::Column::ContactId)
            .to(contact::Column::Id);
        let found = scope::select::<identity::Entity>(workspace)
            .join(JoinType::InnerJoin, contact_of.into())
            .select_also(contact::Entity)
            .filter(wanted)
            .all(self.reader())
            .await?;
        let contacts = found.iter().map(|(identity, _)| identity.contact_id);
        let leads = if found.is_empty() {
            HashMap::new()
        } else {
            self.leads_of(workspace, contacts).await?
        };
        let sealed = found.iter().filter_map(|(_, row)| row.as_ref());
        let sealed = sealed.flat_map(rows::of_contact);
        let sealed = sealed.chain(leads.values().flat_map(rows::of_lead));
        let keys = &self.secrets_for(keys, sealed).await?;
        let mut people = People::default();
        let mut is_exact = false;
        for (identity, row) in found {
            let Some(row) = row else { continue };
            if keys.is_destroyed(&row.profile) {
                continue;
            }
            let lead = leads.get(&row.id).cloned();
            if identity.kind == Kind::Visitor.word() {
                people.next_place = identity.place.unwrap_or_default().saturating_add(1);
                people.by_visitor = Some(person(keys, row, lead)?);
            } else if !is_exact {
                is_exact = identity.kind == Kind::Email.word();
                people.by_address = Some(person(keys, row, lead)?);
            }
        }
        Ok(people)
    }

    /// The person that a contact is; none of one that was erased.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_contact(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        id: Uuid,
    ) -> Result<Option<Person>> {
        let row = scope::select::<contact::Entity>(workspace)
            .filter(contact::Column::Id.eq(id))
            .filter(contact::Column::ErasedAt.is_null())
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let lead = self.leads_of(workspace, std::iter::once(id)).await?.remove(&id);
        self.open_person(keys, row, lead).await
    }

    /// A page of contacts after `cursor`, newest first, at most `most`.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_contacts(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        query: &ContactQuery,
        cursor: Option<ContactCursor>,
        most: u64,
    ) -> Result<Vec<Listed>> {
        let mut select = scope::select::<contact::Entity>(workspace);
        if !query.words.is_empty() {
            let terms: Vec<Vec<String>> = query.words.iter().map(|word| terms_of_word(None, word)).collect();
            let id = Expr::col((contact::Entity, contact::Column::Id));
            select = select.filter(has_terms(id, &terms, keys, self.backend()));
        }
        if query.without_lead {
            let lead = Query::select()
                .expr(Expr::value(1))
                .from(lead::Entity)
                .and_where(
                    Expr::col((lead::Entity, lead::Column::ContactId))
                        .equals((contact::Entity, contact::Column::Id)),
                )
                .to_owned();
            select = select.filter(Expr::exists(lead).not());
        }
        let merged = Query::select()
            .expr(Expr::value(1))
            .from(lead::Entity)
            .and_where(
                Expr::col((lead::Entity, lead::Column::ContactId))
                    .equals((contact::Entity, contact::Column::Id)),
            )
            .and_where(lead::Column::MergedInto.is_not_null())
            .to_owned();
        select = select
            .filter(Expr::exists(merged).not())
            .filter(contact::Column::ErasedAt.is_null());
        if let Some(ContactCursor { created_at, id }) = cursor {
            let same = Condition::all()
                .add(contact::Column::CreatedAt.eq(created_at))
                .add(contact::Column::Id.lt(id));
            select = select.filter(
                Condition::any()
                    .add(contact::Column::CreatedAt.lt(created_at))
                    .add(same),
            );
        }
        let found = select
            .order_by_desc(contact::Column::CreatedAt)
            .order_by_desc(contact::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?;
        let mut leads = self.leads_of(workspace, found.iter().map(|row| row.id)).await?;
        let sealed = found.iter().flat_map(rows::of_contact);
        let keys = &self.secrets_for(keys, sealed).await?;
        found
            .into_iter()
            .filter(|row| !keys.is_destroyed(&row.profile))
            .map(|row| {
                Ok(Listed {
                    lead: leads.remove(&row.id).map(|lead| lead.id),
                    created_at: row.created_at,
                    contact: rows::contact(keys, row)?,
                })
            })
            .collect()
    }

    /// Leads by their contact.
    async fn leads_of(
        &self,
        workspace: Uuid,
        contacts: impl Iterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, lead::Model>> {
        let found = scope::select::<lead::Entity>(workspace)
            .filter(scope::among(lead::Column::ContactId, contacts, self.backend()))
            .all(self.reader())
            .await?;
        Ok(found.into_iter().map(|row| (row.contact_id, row)).collect())
    }

    /// The person that a lead is.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_person_of_lead(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        lead_id: Uuid,
    ) -> Result<Option<Person>> {
        let lead = scope::select::<lead::Entity>(workspace)
            .filter(lead::Column::Id.eq(lead_id))
            .one(self.reader())
            .await?;
        let Some(lead) = lead else { return Ok(None) };
        if let Some(root) = lead.merged_into {
            return Box::pin(self.find_person_of_lead(workspace, keys, root)).await;
        }
        let row = scope::select::<contact::Entity>(workspace)
            .filter(contact::Column::Id.eq(lead.contact_id))
            .one(self.reader())
            .await?;
        let Some(row) = row else {
            // Both are gone if the lead was deleted between the two reads.
            return match self.find_contact_of_lead(workspace, lead_id).await? {
                Some(_) => Err(Error::inconsistent(
                    "leads",
                    "contact_id",
                    lead_id,
                    "the contact is gone",
                )),
                None => Ok(None),
            };
        };
        self.open_person(keys, row, Some(lead)).await
    }

    /// `None` if the person's key was destroyed.
    async fn open_person(
        &self,
        keys: &WorkspaceKeys,
        row: contact::Model,
        lead: Option<lead::Model>,
    ) -> Result<Option<Person>> {
        let sealed = rows::of_contact(&row).chain(lead.iter().flat_map(rows::of_lead));
        let keys = self.secrets_for(keys, sealed).await?;
        if keys.is_destroyed(&row.profile) {
            return Ok(None);
        }
        person(&keys, row, lead).map(Some)
    }
}

pub(super) fn person(
    keys: &ContactSecrets<'_>,
    row: contact::Model,
    lead: Option<lead::Model>,
) -> Result<Person> {
    let (revision, messages, erased_at) = (row.revision, row.messages, row.erased_at);
    Ok(Person {
        contact: rows::contact(keys, row)?,
        revision,
        messages,
        lead: lead.map(|lead| rows::lead(keys, lead)).transpose()?,
        erased_at,
    })
}

/// Leaves of erased contacts what captures are refused by: a contact of nobody that keeps the blind indexes of their
/// addresses.
pub(super) async fn bury(
    transaction: &Transaction,
    keys: &WorkspaceKeys,
    workspace: Uuid,
    contacts: Vec<Uuid>,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let addresses = [Kind::Email, Kind::Mailbox].map(Kind::word);
    let mut found = scope::select::<identity::Entity>(workspace)
        .filter(identity::Column::ContactId.is_in(contacts.iter().copied()))
        .filter(identity::Column::Kind.is_in(addresses))
        .all(&**transaction)
        .await?;
    // Two who shared a mailbox leave one of it: that which captures look for.
    found.sort_unstable_by_key(|row| row.place.is_none());
    let mut seen = HashSet::new();
    for row in found {
        if seen.insert((row.kind.clone(), row.value_index.clone())) {
            continue;
        }
        scope::delete::<identity::Entity>(workspace)
            .filter(identity::Column::ContactId.eq(row.contact_id))
            .filter(identity::Column::Kind.eq(row.kind))
            .filter(identity::Column::ValueIndex.eq(row.value_index))
            .exec(&**transaction)
            .await?;
    }
    let kept = scope::update::<identity::Entity>(workspace)
        .filter(identity::Column::ContactId.is_in(contacts))
        .filter(identity::Column::Kind.is_in(addresses))
        .col_expr(identity::Column::ContactId, Expr::value(id))
        .exec(&**transaction)
        .await?;
    if kept.rows_affected == 0 {
        return Ok(());
    }
    let tombstone = contact::Model {
        id,
        workspace_id: workspace,
        profile: rows::seal_json(keys, rows::PROFILE, id, &Profile::default())?,
        seen_sealed: None,
        filled: 0,
        attributes: sea_orm::JsonValue::Object(serde_json::Map::new()),
        search: " ".to_owned(),
        messages: 0,
        revision: 1,
        created_at: now,
        erased_at: Some(now),
        key_id: None,
    };
    transaction
        .insert::<contact::Entity>(workspace, vec![tombstone])
        .await
}

//! People, with the lead that they may be.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{
    Store,
    crypto::WorkspaceKeys,
    entity::{consent, contact, identity, lead},
    error::{Error, Result},
    leads::found_by,
    rows, scope,
};
use crate::domain::{
    consent::Consent,
    contact::Contact,
    identity::{Kind, Mark},
    lead::Lead,
    page::{ContactCursor, ContactQuery},
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
                .add(identity::Column::ValueIndex.eq(keys.value_index(kind, value)))
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
        let mut people = People::default();
        let mut is_exact = false;
        for (identity, row) in found {
            let Some(row) = row else { continue };
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

    /// The person that a contact is.
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
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let lead = self.leads_of(workspace, std::iter::once(id)).await?.remove(&id);
        person(keys, row, lead).map(Some)
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
            let tokens = query.words.iter().map(|word| keys.search_token(word));
            select = select.filter(found_by(tokens, self.backend()));
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
        select = select.filter(Expr::exists(merged).not());
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
        found
            .into_iter()
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
        person(keys, row, Some(lead)).map(Some)
    }

    /// A contact's newest consents, newest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn consents(&self, workspace: Uuid, contact_id: Uuid, most: u64) -> Result<Vec<Consent>> {
        scope::select::<consent::Entity>(workspace)
            .filter(consent::Column::ContactId.eq(contact_id))
            .order_by_desc(consent::Column::At)
            .order_by_desc(consent::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?
            .into_iter()
            .map(rows::consent)
            .collect()
    }
}

pub(super) fn person(keys: &WorkspaceKeys, row: contact::Model, lead: Option<lead::Model>) -> Result<Person> {
    let (revision, messages) = (row.revision, row.messages);
    Ok(Person {
        contact: rows::contact(keys, row)?,
        revision,
        messages,
        lead: lead.map(|lead| rows::lead(keys, lead)).transpose()?,
    })
}

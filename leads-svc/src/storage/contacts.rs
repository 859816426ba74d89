//! People, with the lead that they may be.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

use super::{
    Store,
    crypto::WorkspaceKeys,
    entity::{contact, lead},
    error::{Error, Result},
    rows, scope,
};
use crate::domain::{
    contact::{Contact, Profile},
    lead::Lead,
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

impl Store {
    /// The person with a normalised address.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_person(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        email: &str,
    ) -> Result<Option<Person>> {
        let row = scope::select::<contact::Entity>(workspace)
            .filter(contact::Column::EmailIndex.eq(keys.email_index(email)))
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let lead = scope::select::<lead::Entity>(workspace)
            .filter(lead::Column::ContactId.eq(row.id))
            .one(self.reader())
            .await?;
        person(keys, row, lead).map(Some)
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
}

fn person(keys: &WorkspaceKeys, row: contact::Model, lead: Option<lead::Model>) -> Result<Person> {
    let (revision, messages, erased_at) = (row.revision, row.messages, row.erased_at);
    Ok(Person {
        contact: rows::contact(keys, row)?,
        revision,
        messages,
        lead: lead.map(|lead| rows::lead(keys, lead)).transpose()?,
        erased_at,
    })
}

/// What remains of an erased person: nothing but the blind index of the address.
pub(super) fn tombstone(
    keys: &WorkspaceKeys,
    workspace: Uuid,
    id: Uuid,
    address: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<contact::Model> {
    Ok(contact::Model {
        id,
        workspace_id: workspace,
        email_index: Some(address),
        profile: rows::seal_json(keys, rows::PROFILE, id, &Profile::default())?,
        filled: 0,
        attributes: sea_orm::JsonValue::Object(serde_json::Map::new()),
        search: " ".to_owned(),
        messages: 0,
        revision: 1,
        created_at: now,
        erased_at: Some(now),
    })
}

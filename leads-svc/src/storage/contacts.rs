//! People, with the lead that they may be.

use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

use super::{
    Store,
    crypto::WorkspaceKeys,
    entity::{consent, contact, lead},
    error::{Error, Result},
    rows, scope,
};
use crate::domain::{consent::Consent, contact::Contact, lead::Lead};
use sea_orm::{QueryOrder, QuerySelect};

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

fn person(keys: &WorkspaceKeys, row: contact::Model, lead: Option<lead::Model>) -> Result<Person> {
    let (revision, messages) = (row.revision, row.messages);
    Ok(Person {
        contact: rows::contact(keys, row)?,
        revision,
        messages,
        lead: lead.map(|lead| rows::lead(keys, lead)).transpose()?,
    })
}

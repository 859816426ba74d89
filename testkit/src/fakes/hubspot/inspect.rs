//! What a test sees and does behind the vendor's API: log, contacts, and the edits of a person in HubSpot's pages.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::log::{RequestEntry, RequestFilter};
use super::portal::State;
use super::rows::RowError;
use super::schema::{Definition, Kind};
use super::simulation::{Simulation, lock};
use super::store::Stamp;

/// A contact as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactView {
    /// Record id.
    pub id: u64,
    /// Values that were written; computed ones are not among them.
    pub properties: BTreeMap<String, String>,
    /// Milliseconds since the server started.
    pub created_ms: u64,
    /// Milliseconds since the server started.
    pub updated_ms: u64,
    /// In the recycle bin.
    pub archived: bool,
    /// Records merged into this one.
    pub merged_ids: Vec<u64>,
    /// Link as HubSpot's pages have it.
    pub url: String,
}

impl Simulation {
    /// Log entries, oldest first.
    pub fn requests(&self, filter: &RequestFilter) -> Vec<RequestEntry> {
        lock(&self.log).select(filter)
    }

    /// Empties the log.
    pub fn clear_requests(&self) {
        lock(&self.log).clear();
    }

    /// Number of entries in the log.
    pub fn request_count(&self) -> usize {
        lock(&self.log).len()
    }

    /// All contacts of a portal by id, the recycle bin included.
    ///
    /// # Errors
    /// There is no such portal.
    pub fn contacts(&self, portal: u64) -> anyhow::Result<Vec<ContactView>> {
        let portal = self.portal(portal)?;
        let state = lock(&portal.state);
        Ok(state.store.iter().map(|contact| view(&state, contact)).collect())
    }

    /// A contact by id, through merges.
    pub fn find_contact(&self, portal: u64, id: u64) -> Option<ContactView> {
        let portal = self.portal(portal).ok()?;
        let state = lock(&portal.state);
        state.store.find(id).map(|contact| view(&state, contact))
    }

    /// The live contact with this address (primary or secondary) or value of a unique property.
    pub fn find_contact_by(&self, portal: u64, property: &str, value: &str) -> Option<ContactView> {
        let portal = self.portal(portal).ok()?;
        let state = lock(&portal.state);
        let id = match property {
            "email" => state.store.by_email(&value.to_lowercase()),
            _ => state.store.by_unique(property, value),
        };
        state.store.live(id?).map(|contact| view(&state, contact))
    }

    /// Whether the record was erased by gdpr-delete.
    pub fn is_erased(&self, portal: u64, id: u64) -> bool {
        self.portal(portal)
            .is_ok_and(|portal| lock(&portal.state).store.is_erased(id))
    }

    /// Makes (without id) or edits a contact as a person would: not counted, not limited, not logged.
    ///
    /// # Errors
    /// No such portal or contact, a value that its property does not take, or an address that is taken.
    pub fn edit_contact(&self, portal: u64, id: Option<u64>, values: &[(&str, &str)]) -> anyhow::Result<u64> {
        let portal = self.portal(portal)?;
        let mut state = lock(&portal.state);
        let target = match id {
            Some(id) => Some(state.store.live(id).context("there is no such contact")?.id),
            None => None,
        };
        let pairs: Vec<(String, String)> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let planned = state.changes(&pairs).and_then(|changes| {
            state.check_free(target, &changes)?;
            Ok(changes)
        });
        match planned {
            Ok(changes) => {
                let stamp = self.by_hand();
                let State { store, schema, .. } = &mut *state;
                Ok(store.put(schema, target, &changes, stamp))
            }
            Err(RowError::Conflict(owner)) => bail!("the address belongs to contact {owner}"),
            Err(error) => bail!("the values are refused: {error:?}"),
        }
    }

    /// Moves a contact to the recycle bin.
    ///
    /// # Errors
    /// No such portal or contact.
    pub fn delete_contact(&self, portal: u64, id: u64) -> anyhow::Result<()> {
        let portal = self.portal(portal)?;
        let done = lock(&portal.state).store.archive(id, self.clock.now_ms());
        ensure!(done, "there is no such contact");
        Ok(())
    }

    /// Merges `other` into `primary`; answers the survivor's id.
    ///
    /// # Errors
    /// No such portal or contacts, or they are the same.
    pub fn merge_contacts(&self, portal: u64, primary: u64, other: u64) -> anyhow::Result<u64> {
        let portal = self.portal(portal)?;
        let mut state = lock(&portal.state);
        let State {
            store,
            schema,
            options,
            ..
        } = &mut *state;
        let survivor = store.merge(
            schema,
            (primary, other),
            options.merge_keeps_primary_id,
            self.by_hand(),
        );
        survivor.context("the contacts cannot be merged")
    }

    /// Defines a custom property (group contactinformation) of one of HubSpot's types. An existing live one of
    /// that name is left alone.
    ///
    /// # Errors
    /// No such portal or type, or the eleventh unique property.
    pub fn define_property(&self, portal: u64, name: &str, kind: &str, unique: bool) -> anyhow::Result<()> {
        let kind = Kind::parse(kind).with_context(|| format!("{kind} is not a property type"))?;
        let portal = self.portal(portal)?;
        let mut state = lock(&portal.state);
        if state.schema.live(name).is_some() {
            return Ok(());
        }
        let at_ms = self.clock.now_ms();
        let definition = Definition {
            unique,
            created_ms: at_ms,
            updated_ms: at_ms,
            ..Definition::new(name, kind)
        };
        let State { store, schema, .. } = &mut *state;
        schema
            .create(definition)
            .map_err(|refused| anyhow::anyhow!("{name}: {refused:?}"))?;
        store.reindex(schema);
        Ok(())
    }

    fn by_hand(&self) -> Stamp {
        Stamp {
            at_ms: self.clock.now_ms(),
            request: 0,
        }
    }
}

fn view(state: &State, contact: &Contact) -> ContactView {
    let values = contact.values.iter();
    ContactView {
        id: contact.id,
        properties: values
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        created_ms: contact.created_ms,
        updated_ms: contact.updated_ms,
        archived: !contact.is_live(),
        merged_ids: contact.merged.clone(),
        url: state.url(contact.id),
    }
}

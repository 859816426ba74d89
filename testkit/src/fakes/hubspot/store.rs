//! The contacts of one portal with their unique indexes.
//!
//! What must hold: an address (primary or secondary) and a value of a unique property lead to at most one live
//! contact; an id that was merged away leads to the survivor; an erased contact leaves nothing but its id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::contact::{Change, Contact};
use super::rules::{is_backward_stage, swap_addresses};
use super::schema::Schema;

/// First record id of a portal; HubSpot's are long as well.
const FIRST_ID: u64 = 101_000_000_001;

/// How an input names its contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    RecordId,
    Email,
    /// A custom property with unique values.
    Unique(Arc<str>),
}

/// Time and log number of the request that writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub at_ms: u64,
    pub request: u64,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) contacts: BTreeMap<u64, Contact>,
    emails: HashMap<Arc<str>, u64>,
    unique: HashMap<Arc<str>, HashMap<Arc<str>, u64>>,
    pub(super) aliases: HashMap<u64, u64>,
    erased: HashSet<u64>,
    next_id: u64,
    history_capacity: usize,
}

impl Store {
    pub fn new(history_capacity: usize) -> Self {
        Self {
            contacts: BTreeMap::new(),
            emails: HashMap::new(),
            unique: HashMap::new(),
            aliases: HashMap::new(),
            erased: HashSet::new(),
            next_id: FIRST_ID,
            history_capacity,
        }
    }

    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// Ordered by id, archived ones included.
    pub fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.values()
    }

    pub fn iter_after(&self, id: u64) -> impl Iterator<Item = &Contact> {
        self.contacts
            .range(id.saturating_add(1)..)
            .map(|(_, contact)| contact)
    }

    /// Whether the id was erased; such an id never comes back.
    pub fn is_erased(&self, id: u64) -> bool {
        self.erased.contains(&id)
    }

    /// Live or archived, through merges.
    pub fn find(&self, id: u64) -> Option<&Contact> {
        self.contacts.get(&self.resolve(id))
    }

    pub fn live(&self, id: u64) -> Option<&Contact> {
        self.find(id).filter(|contact| contact.is_live())
    }

    /// Id of the live contact that the key names.
    pub fn lookup(&self, key: &Key, id: &str) -> Option<u64> {
        match key {
            Key::RecordId => self.live(id.trim().parse().ok()?).map(|contact| contact.id),
            Key::Email => self.by_email(&id.trim().to_lowercase()),
            Key::Unique(property) => self.by_unique(property, id),
        }
    }

    /// Primary and secondary addresses alike; `address` in lower case.
    pub fn by_email(&self, address: &str) -> Option<u64> {
        self.emails.get(address).copied()
    }

    pub fn by_unique(&self, property: &str, value: &str) -> Option<u64> {
        self.unique.get(property)?.get(value).copied()
    }

    /// The id that the next new contact gets.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Makes or changes a contact. The caller has checked values and conflicts.
    pub fn put(&mut self, schema: &Schema, target: Option<u64>, changes: &[Change], stamp: Stamp) -> u64 {
        let id = target.map_or(self.next_id, |id| self.resolve(id));
        if target.is_none() {
            self.next_id += 1;
        }
        let mut contact = self
            .contacts
            .remove(&id)
            .unwrap_or_else(|| Contact::new(id, stamp.at_ms));
        self.unindex(&contact);
        let mut changes: Vec<Change> = changes.to_vec();
        changes.retain(|change| !is_backward_stage(&contact, change));
        swap_addresses(&contact, &mut changes, schema);
        contact.write(changes, stamp.at_ms, stamp.request, self.history_capacity);
        self.index(&contact, schema);
        self.contacts.insert(id, contact);
        id
    }

    /// Moves a contact to the recycle bin, where its keys are free again. False if there is none.
    pub fn archive(&mut self, id: u64, at_ms: u64) -> bool {
        let Some(mut contact) = self.contacts.remove(&self.resolve(id)) else {
            return false;
        };
        let was_live = contact.is_live();
        if was_live {
            self.unindex(&contact);
            contact.archived_ms = Some(at_ms);
        }
        self.contacts.insert(contact.id, contact);
        was_live
    }

    /// Removes a contact with its past; answers the addresses it had had.
    pub fn erase(&mut self, id: u64) -> Option<Vec<String>> {
        let contact = self.take(self.resolve(id))?;
        self.erased.insert(contact.id);
        self.aliases.retain(|_, survivor| *survivor != contact.id);
        let written = contact.history.iter().flat_map(|write| &write.changes);
        let past = written.filter(|(name, _)| &**name == "email" || &**name == "hs_additional_emails");
        let mut addresses: Vec<String> = contact.addresses().map(str::to_owned).collect();
        addresses.extend(past.flat_map(|(_, value)| value.split(';')).map(str::to_owned));
        addresses.retain(|address| !address.is_empty());
        Some(addresses)
    }

    /// Takes a contact out, keys and all.
    pub(super) fn take(&mut self, id: u64) -> Option<Contact> {
        let contact = self.contacts.remove(&id)?;
        self.unindex(&contact);
        Some(contact)
    }

    /// Puts a contact (back) in.
    pub(super) fn insert(&mut self, contact: Contact, schema: &Schema) {
        self.next_id = self.next_id.max(contact.id + 1);
        self.index(&contact, schema);
        self.contacts.insert(contact.id, contact);
    }

    /// Rebuilds the index of a property that was made or brought back with values already there.
    pub fn reindex(&mut self, schema: &Schema) {
        self.unique.clear();
        for definition in schema.unique() {
            let index = self.unique.entry(Arc::clone(&definition.name)).or_default();
            for contact in self.contacts.values().filter(|contact| contact.is_live()) {
                if let Some(value) = contact.stored(&definition.name) {
                    index.entry(Arc::clone(value)).or_insert(contact.id);
                }
            }
        }
    }

    fn resolve(&self, id: u64) -> u64 {
        let mut id = id;
        while let Some(survivor) = self.aliases.get(&id) {
            id = *survivor;
        }
        id
    }

    fn index(&mut self, contact: &Contact, schema: &Schema) {
        if !contact.is_live() {
            return;
        }
        for address in contact.addresses() {
            self.emails.insert(Arc::from(address), contact.id);
        }
        for (name, value) in &contact.values {
            if schema.live(name).is_some_and(|definition| definition.unique) {
                self.unique
                    .entry(Arc::clone(name))
                    .or_default()
                    .insert(Arc::clone(value), contact.id);
            }
        }
    }

    fn unindex(&mut self, contact: &Contact) {
        for address in contact.addresses() {
            if self.emails.get(address) == Some(&contact.id) {
                self.emails.remove(address);
            }
        }
        for (name, value) in &contact.values {
            if let Some(index) = self.unique.get_mut(name)
                && index.get(value) == Some(&contact.id)
            {
                index.remove(value);
            }
        }
    }
}

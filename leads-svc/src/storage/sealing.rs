//! Which key seals what, and what has to be fetched before values can be opened.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{
    Store,
    capture::{Sealed, Write},
    crypto::{ContactSecrets, Header, Sealer, Secret, UNSEALED, WorkspaceKeys},
    entity::{contact, lead},
    error::{Error, Result},
    merges::MergeWrite,
    scope,
    transaction::Prior,
};

/// What seals the values of some contacts.
#[derive(Debug)]
pub struct Sealers<'a> {
    /// Keys of their workspace.
    pub keys: &'a WorkspaceKeys,
    by_contact: HashMap<Uuid, Sealer>,
    leads: HashMap<Uuid, Uuid>,
}

impl Sealers<'_> {
    /// What seals a contact's values: the workspace's key as long as the contact has none.
    pub fn of_contact(&self, contact: Uuid) -> &Sealer {
        self.by_contact.get(&contact).unwrap_or(self.keys.sealer())
    }

    /// What seals a lead's values: its contact's key.
    pub fn of_lead(&self, lead: Uuid) -> &Sealer {
        match self.leads.get(&lead) {
            Some(contact) => self.of_contact(*contact),
            None => self.keys.sealer(),
        }
    }

    /// The contact's key, if it has one.
    pub fn key_of(&self, contact: Uuid) -> Option<Uuid> {
        self.by_contact.get(&contact)?.header().contact_key
    }
}

/// Whom a write is about.
#[derive(Default)]
struct Mentioned {
    /// Contacts whose key is known.
    keys: HashMap<Uuid, Uuid>,
    /// Contacts that get a key with the write.
    fresh: HashSet<Uuid>,
    contacts: HashSet<Uuid>,
    /// Leads whose contact is known.
    leads: HashMap<Uuid, Uuid>,
    /// All of them.
    named: HashSet<Uuid>,
}

impl Mentioned {
    fn take_in(&mut self, write: &Write) {
        if let Some(contact) = &write.contact {
            match (contact.prior, contact.key) {
                (Prior::At(_), Some(key)) => {
                    self.keys.insert(contact.id, key);
                }
                (Prior::At(_), None) | (Prior::Absent, _) => {
                    self.fresh.insert(contact.id);
                }
            }
        }
        if let Some(write) = &write.lead {
            self.leads.insert(write.lead.id, write.lead.contact_id);
            self.contacts.insert(write.lead.contact_id);
        }
        let of_messages = write.messages.iter().map(|(_, contact, _)| *contact);
        let of_consents = write.consents.iter().map(|(_, contact, _)| *contact);
        self.contacts.extend(of_messages.chain(of_consents));
        self.named.extend(write.activities.iter().map(|(lead, _)| *lead));
        self.named.extend(write.score.iter().map(|(_, lead, _)| *lead));
        self.named
            .extend(write.merges.iter().filter_map(|merge| match merge {
                MergeWrite::New { link, .. } => Some(link.survivor),
                MergeWrite::Chosen { .. } | MergeWrite::Undone { .. } => None,
            }));
        for also in &write.also {
            self.take_in(also);
        }
    }
}

impl Store {
    /// Encrypts a write, everything of a contact under the contact's key. A new contact gets one.
    ///
    /// # Errors
    /// The database; `Conflict` if a contact was erased meanwhile.
    pub async fn seal(&self, keys: &WorkspaceKeys, write: Write) -> Result<Sealed> {
        let mut mentioned = Mentioned::default();
        mentioned.take_in(&write);
        let sealers = self.sealers(keys, mentioned).await?;
        write.seal(&sealers)
    }

    async fn sealers<'a>(&self, keys: &'a WorkspaceKeys, mut mentioned: Mentioned) -> Result<Sealers<'a>> {
        let mut by_contact = HashMap::new();
        if UNSEALED {
            return Ok(Sealers {
                keys,
                by_contact,
                leads: mentioned.leads,
            });
        }
        let unknown = |id: &Uuid| !mentioned.leads.contains_key(id);
        let unknown: Vec<Uuid> = mentioned.named.iter().copied().filter(unknown).collect();
        if !unknown.is_empty() {
            let found = contacts_of(self.reader(), keys.workspace(), unknown).await?;
            mentioned.contacts.extend(found.values().copied());
            mentioned.leads.extend(found);
        }
        let unknown = |id: &Uuid| !mentioned.keys.contains_key(id) && !mentioned.fresh.contains(id);
        let unknown: Vec<Uuid> = mentioned.contacts.iter().copied().filter(unknown).collect();
        if !unknown.is_empty() {
            let found = keys_of(self.reader(), keys.workspace(), unknown).await?;
            mentioned.keys.extend(found);
        }
        let secrets = self
            .secrets_of(mentioned.keys.values().copied().collect())
            .await?;
        for (contact, key) in mentioned.keys {
            let secret = secrets.get(&key).ok_or_else(destroyed)?;
            by_contact.insert(contact, keys.contact_sealer(key, secret));
        }
        for contact in mentioned.fresh {
            let fresh = self.key_store.take(self.keyring.keks()).await?;
            by_contact.insert(contact, keys.contact_sealer(fresh.id, &fresh.secret));
        }
        Ok(Sealers {
            keys,
            by_contact,
            leads: mentioned.leads,
        })
    }

    /// What seals the values of some leads, as they are seen through `connection`. Those whose key was destroyed are
    /// left out: their person is being deleted.
    pub(super) async fn sealers_of_leads<'a, C: ConnectionTrait>(
        &self,
        connection: &C,
        keys: &'a WorkspaceKeys,
        leads: Vec<Uuid>,
    ) -> Result<Sealers<'a>> {
        let workspace = keys.workspace();
        let leads = contacts_of(connection, workspace, leads).await?;
        let found = keys_of(connection, workspace, leads.values().copied().collect()).await?;
        let secrets = self.secrets_of(found.values().copied().collect()).await?;
        let by_contact = found
            .into_iter()
            .filter_map(|(contact, key)| Some((contact, keys.contact_sealer(key, secrets.get(&key)?))))
            .collect();
        Ok(Sealers {
            keys,
            by_contact,
            leads,
        })
    }

    /// What seals the values of one contact.
    pub(super) async fn sealer_of(&self, keys: &WorkspaceKeys, key: Option<Uuid>) -> Result<Sealer> {
        let Some(key) = key else {
            return Ok(keys.sealer().clone());
        };
        let secrets = self.secrets_of(HashSet::from([key])).await?;
        let secret = secrets.get(&key).ok_or_else(destroyed)?;
        Ok(keys.contact_sealer(key, secret))
    }

    async fn secrets_of(&self, ids: HashSet<Uuid>) -> Result<HashMap<Uuid, Arc<Secret>>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self.key_store.secrets(self.keyring.keks(), ids).await?.secrets)
    }

    /// Fetches what opens some sealed values of contacts, in at most one query.
    ///
    /// # Errors
    /// The key store.
    pub(super) async fn secrets_for<'a, 'b>(
        &self,
        keys: &'a WorkspaceKeys,
        sealed: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<ContactSecrets<'a>> {
        let ids: HashSet<Uuid> = sealed
            .into_iter()
            .filter_map(|sealed| Header::of(sealed).ok()?.contact_key)
            .collect();
        if ids.is_empty() {
            return Ok(ContactSecrets::new(keys, HashMap::new(), HashSet::new()));
        }
        let found = self.key_store.secrets(self.keyring.keks(), ids).await?;
        Ok(ContactSecrets::new(keys, found.secrets, found.destroyed))
    }
}

/// A contact whose key was destroyed is gone, or about to be.
fn destroyed() -> Error {
    Error::Conflict {
        constraint: "contacts.key_id".to_owned(),
    }
}

async fn contacts_of<C: ConnectionTrait>(
    connection: &C,
    workspace: Uuid,
    leads: Vec<Uuid>,
) -> Result<HashMap<Uuid, Uuid>> {
    let found: Vec<(Uuid, Uuid)> = scope::select::<lead::Entity>(workspace)
        .select_only()
        .columns([lead::Column::Id, lead::Column::ContactId])
        .filter(scope::among(
            lead::Column::Id,
            leads,
            connection.get_database_backend(),
        ))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(found.into_iter().collect())
}

/// Keys of contacts; those without one are left out.
async fn keys_of<C: ConnectionTrait>(
    connection: &C,
    workspace: Uuid,
    contacts: Vec<Uuid>,
) -> Result<HashMap<Uuid, Uuid>> {
    let found: Vec<(Uuid, Uuid)> = scope::select::<contact::Entity>(workspace)
        .select_only()
        .columns([contact::Column::Id, contact::Column::KeyId])
        .filter(scope::among(
            contact::Column::Id,
            contacts,
            connection.get_database_backend(),
        ))
        .filter(contact::Column::KeyId.is_not_null())
        .into_tuple()
        .all(connection)
        .await?;
    Ok(found.into_iter().collect())
}

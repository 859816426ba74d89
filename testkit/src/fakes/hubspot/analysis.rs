//! What a checker asks of a portal after a run: bursts, duplicates, and writes that went backwards.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::simulation::{Simulation, lock};

/// Live contacts that share what must be unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// `email` or a unique property.
    pub property: String,
    /// The shared value.
    pub value: String,
    /// Two or more record ids.
    pub contact_ids: Vec<u64>,
}

/// One value that one request wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyWrite {
    /// Milliseconds since the server started.
    pub at_ms: u64,
    /// `seq` in the request log; 0 for a person or a merge.
    pub request: u64,
    /// Property name.
    pub property: String,
    /// `""` if it was cleared.
    pub value: String,
}

/// A numeric property (a revision) that was written with a smaller value than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepBack {
    /// Record.
    pub contact_id: u64,
    /// The larger value.
    pub before: PropertyWrite,
    /// The smaller value that came after it.
    pub after: PropertyWrite,
}

/// Everything at once, for the control API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analysis {
    /// Most calls of one app within the window, searches aside, refused ones included.
    pub max_in_sliding_window: usize,
    /// Most searches within any second.
    pub max_searches_in_second: usize,
    /// Calls that the limits answered with 429.
    pub refused: u64,
    /// See [`Simulation::duplicates`].
    pub duplicates: Vec<Duplicate>,
    /// See [`Simulation::steps_back`]; empty without a property.
    pub steps_back: Vec<StepBack>,
}

impl Simulation {
    /// Most calls of one app that arrived within any window of this length, searches aside. Refused calls count:
    /// a limiter that relies on 429 shows here. An unknown portal has made no calls.
    pub fn max_in_sliding_window(&self, portal: u64, window: Duration) -> usize {
        let length = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self.portal(portal)
            .map_or(0, |portal| lock(&portal.state).limits.max_in_window(length))
    }

    /// Live contacts that share an address or a unique value, found by reading the records, not the indexes.
    ///
    /// # Errors
    /// There is no such portal.
    pub fn duplicates(&self, portal: u64) -> anyhow::Result<Vec<Duplicate>> {
        let portal = self.portal(portal)?;
        let state = lock(&portal.state);
        let mut owners: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
        for contact in state.store.iter().filter(|contact| contact.is_live()) {
            for address in contact.addresses() {
                owners.entry(("email", address)).or_default().push(contact.id);
            }
            for definition in state.schema.unique() {
                if let Some(value) = contact.stored(&definition.name) {
                    owners
                        .entry((&definition.name, value))
                        .or_default()
                        .push(contact.id);
                }
            }
        }
        let duplicate = |((property, value), mut contact_ids): ((&str, &str), Vec<u64>)| {
            contact_ids.dedup();
            let (property, value) = (property.to_owned(), value.to_owned());
            (contact_ids.len() > 1).then_some(Duplicate {
                property,
                value,
                contact_ids,
            })
        };
        Ok(owners.into_iter().filter_map(duplicate).collect())
    }

    /// All kept writes to a contact, oldest first; `property` selects one.
    ///
    /// # Errors
    /// There is no such portal or contact.
    pub fn history(
        &self,
        portal: u64,
        contact: u64,
        property: Option<&str>,
    ) -> anyhow::Result<Vec<PropertyWrite>> {
        let portal = self.portal(portal)?;
        let state = lock(&portal.state);
        let contact = state
            .store
            .find(contact)
            .ok_or_else(|| anyhow::anyhow!("there is no such contact"))?;
        Ok(writes(contact, property))
    }

    /// Every time a numeric property of a contact was set to less than before.
    ///
    /// # Errors
    /// There is no such portal.
    pub fn steps_back(&self, portal: u64, property: &str) -> anyhow::Result<Vec<StepBack>> {
        let portal = self.portal(portal)?;
        let state = lock(&portal.state);
        let mut found = Vec::new();
        for contact in state.store.iter() {
            let writes = writes(contact, Some(property));
            for (before, after) in writes.iter().zip(writes.iter().skip(1)) {
                let smaller = before
                    .value
                    .parse::<f64>()
                    .ok()
                    .zip(after.value.parse::<f64>().ok());
                if smaller.is_some_and(|(before, after)| after < before) {
                    let (before, after) = (before.clone(), after.clone());
                    found.push(StepBack {
                        contact_id: contact.id,
                        before,
                        after,
                    });
                }
            }
        }
        Ok(found)
    }

    /// All of the above.
    ///
    /// # Errors
    /// There is no such portal.
    pub fn analysis(
        &self,
        portal: u64,
        window: Duration,
        revision: Option<&str>,
    ) -> anyhow::Result<Analysis> {
        let (searches, refused) = {
            let portal = self.portal(portal)?;
            let state = lock(&portal.state);
            (state.limits.max_searches_in_window(1_000), state.limits.refused)
        };
        Ok(Analysis {
            max_in_sliding_window: self.max_in_sliding_window(portal, window),
            max_searches_in_second: searches,
            refused,
            duplicates: self.duplicates(portal)?,
            steps_back: revision.map_or(Ok(Vec::new()), |property| self.steps_back(portal, property))?,
        })
    }
}

fn writes(contact: &Contact, property: Option<&str>) -> Vec<PropertyWrite> {
    let wanted = |name: &str| property.is_none_or(|property| property == name);
    let changes = contact
        .history
        .iter()
        .flat_map(|write| write.changes.iter().map(move |change| (write, change)));
    let changes = changes.filter(|(_, (name, _))| wanted(name));
    let write = |(write, (name, value)): (&super::contact::Write, &super::contact::Change)| PropertyWrite {
        at_ms: write.at_ms,
        request: write.request,
        property: name.to_string(),
        value: value.to_string(),
    };
    changes.map(write).collect()
}

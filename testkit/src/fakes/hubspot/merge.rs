//! Merging two contacts: one survives, and both old ids lead to it.

use std::sync::Arc;

use super::contact::{Change, Contact};
use super::schema::Schema;
use super::store::{Stamp, Store};

impl Store {
    /// The survivor has the primary's values, filled up with the other's, and all addresses of both. It gets a
    /// new id unless `keep_id`; None if either contact is not there or both are the same.
    pub fn merge(
        &mut self,
        schema: &Schema,
        (primary, other): (u64, u64),
        keep_id: bool,
        stamp: Stamp,
    ) -> Option<u64> {
        let (primary, other) = (self.live(primary)?.id, self.live(other)?.id);
        if primary == other {
            return None;
        }
        let (first, second) = (self.take(primary)?, self.take(other)?);
        let id = if keep_id { primary } else { self.next_id() };
        let mut survivor = Contact::new(id, first.created_ms.min(second.created_ms));
        survivor.merged = first
            .merged
            .iter()
            .chain(&second.merged)
            .copied()
            .chain([primary, other])
            .collect();
        let mut past: Vec<_> = first.history.iter().chain(&second.history).cloned().collect();
        past.sort_by_key(|write| (write.at_ms, write.request));
        survivor.history = past.into();
        let values = united(&first, &second, schema);
        let keep = survivor.history.len() + 1;
        survivor.write(values, stamp.at_ms, stamp.request, keep);
        for old in [primary, other] {
            if old != id {
                self.aliases.insert(old, id);
            }
        }
        self.insert(survivor, schema);
        Some(id)
    }
}

fn united(first: &Contact, second: &Contact, schema: &Schema) -> Vec<Change> {
    let mut values: Vec<Change> = first.values.clone();
    values.extend(
        second
            .values
            .iter()
            .filter(|(name, _)| first.stored(name).is_none())
            .cloned(),
    );
    let primary = values
        .iter()
        .find(|(name, _)| &**name == "email")
        .map(|(_, value)| Arc::clone(value));
    let mut others: Vec<&str> = first.addresses().chain(second.addresses()).collect();
    others.retain(|address| Some(*address) != primary.as_deref());
    values.retain(|(name, _)| &**name != "hs_additional_emails");
    if let (false, Some(definition)) = (others.is_empty(), schema.any("hs_additional_emails")) {
        values.push((Arc::clone(&definition.name), others.join(";").into()));
    }
    values
}

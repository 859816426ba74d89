//! All checks of a batch write, in HubSpot's order, before anything is stored.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::batch_input::{BATCH_MAX, Input};
use super::batch_write::{Mode, too_many};
use super::contact::Change;
use super::errors::{Problem, Refusal};
use super::log::Outcome;
use super::portal::{Call, State};
use super::rows::{Planned, RowError};
use super::store::Key;

/// A refusal of the whole batch, and the inputs it is due to.
pub(super) type Whole = (Refusal, HashMap<usize, Outcome>);

/// Per input, in input order: how it names its contact, and what will be done.
pub(super) struct Plan {
    pub keys: Vec<Key>,
    pub rows: Vec<Result<Planned, RowError>>,
}

impl State {
    pub fn plan_batch(&self, call: &Call, inputs: &[Input], mode: Mode) -> Result<Plan, Whole> {
        let nobody = |refusal| (refusal, HashMap::new());
        if inputs.len() > BATCH_MAX {
            return Err(nobody(too_many(inputs.len())));
        }
        if mode != Mode::Create && inputs.iter().any(|input| input.id.is_none()) {
            return Err(nobody(Refusal::RequiredField("id")));
        }
        if inputs.iter().any(|input| input.properties.is_none()) {
            return Err(nobody(Refusal::RequiredField("properties")));
        }
        let keys = self.keys(inputs, mode).map_err(nobody)?;
        if mode != Mode::Create {
            check_duplicates(&keys, inputs)?;
        }
        let traced = has_unique_trace_ids(inputs);
        let mut claims = HashMap::new();
        let mut rows = Vec::with_capacity(inputs.len());
        for (key, input) in keys.iter().zip(inputs) {
            rows.push(self.plan_row(call, key, input, mode).and_then(|planned| {
                self.claim(&mut claims, &planned)?;
                Ok(planned)
            }));
        }
        let culprits = |wanted: Outcome| {
            let errors = (0..)
                .zip(&rows)
                .filter_map(|(index, row)| Some((index, row.as_ref().err()?)));
            errors
                .filter(|(_, error)| error.outcome() == wanted)
                .collect::<Vec<(usize, &RowError)>>()
        };
        let invalid = culprits(Outcome::Invalid);
        if let (false, Some((_, error))) = (traced, invalid.first()) {
            let marks = invalid
                .iter()
                .map(|(index, error)| (*index, error.outcome()))
                .collect();
            return Err(((*error).clone().into_refusal(), marks));
        }
        let conflicts = culprits(Outcome::Conflict);
        // Only batch/create is documented to report a taken address row by row.
        if let (false, Some((_, error))) = (traced && mode == Mode::Create, conflicts.first()) {
            let marks = conflicts
                .iter()
                .map(|(index, error)| (*index, error.outcome()))
                .collect();
            return Err(((*error).clone().into_refusal(), marks));
        }
        Ok(Plan { keys, rows })
    }

    fn keys(&self, inputs: &[Input], mode: Mode) -> Result<Vec<Key>, Refusal> {
        let key = |input: &Input| match (mode, self.key(input.id_property.as_deref())?) {
            (Mode::Create, _) => Ok(Key::RecordId),
            (Mode::Update, Key::Email) => Err(Refusal::Validation(
                "Unable to perform update/upsert by non-unique 0-1 property".to_owned(),
            )),
            (Mode::Update | Mode::Upsert, key) => Ok(key),
        };
        inputs.iter().map(key).collect()
    }

    fn plan_row(&self, call: &Call, key: &Key, input: &Input, mode: Mode) -> Result<Planned, RowError> {
        let id = input.id.as_deref().unwrap_or_default();
        let target = if mode == Mode::Create {
            None
        } else {
            self.store.lookup(key, id)
        };
        let by_record_id = *key == Key::RecordId;
        if target.is_none() && (mode == Mode::Update || (mode == Mode::Upsert && by_record_id)) {
            return Err(RowError::Missing(id.to_owned()));
        }
        let mut changes = self.changes(input.pairs())?;
        // The id of an upsert is the value of its property unless the properties say otherwise.
        if let (Mode::Upsert, None, Some(name)) = (mode, target, key_property(key))
            && !changes.iter().any(|(changed, _)| &**changed == name)
        {
            changes.extend(self.changes(&[(name.to_owned(), id.to_owned())])?);
        }
        if target.is_none() {
            self.check_new(call, &changes)?;
        }
        self.check_free(target, &changes)?;
        Ok(Planned { target, changes })
    }

    /// Two rows of one batch must not end with the same address or unique value either.
    fn claim(&self, claims: &mut HashMap<Change, Option<u64>>, planned: &Planned) -> Result<(), RowError> {
        for (name, value) in planned.changes.iter().filter(|(_, value)| !value.is_empty()) {
            let is_email = &**name == "email";
            if !is_email && !self.schema.live(name).is_some_and(|definition| definition.unique) {
                continue;
            }
            match claims.insert((Arc::clone(name), Arc::clone(value)), planned.target) {
                None => {}
                Some(owner) if owner.is_some() && owner == planned.target => {}
                Some(owner) if is_email => {
                    return Err(RowError::Conflict(owner.unwrap_or_else(|| self.store.next_id())));
                }
                Some(_) => {
                    return Err(RowError::Problems(vec![Problem {
                        property: name.to_string(),
                        code: "CONFLICTING_UNIQUE_VALUE",
                        message: format!("another contact already has that value for {name}"),
                    }]));
                }
            }
        }
        Ok(())
    }
}

fn key_property(key: &Key) -> Option<&str> {
    match key {
        Key::RecordId => None,
        Key::Email => Some("email"),
        Key::Unique(name) => Some(name),
    }
}

fn has_unique_trace_ids(inputs: &[Input]) -> bool {
    let mut seen = HashSet::new();
    inputs.iter().all(|input| {
        input
            .object_write_trace_id
            .as_ref()
            .is_some_and(|trace_id| seen.insert(trace_id))
    })
}

fn check_duplicates(keys: &[Key], inputs: &[Input]) -> Result<(), Whole> {
    let mut seen = HashSet::new();
    let (mut twice, mut marks) = (Vec::new(), HashMap::new());
    for (index, (key, input)) in keys.iter().zip(inputs).enumerate() {
        let id = input.id.as_deref().unwrap_or_default().trim();
        let folded = if *key == Key::Email {
            id.to_lowercase()
        } else {
            id.to_owned()
        };
        if !seen.insert(folded.clone()) {
            marks.insert(index, Outcome::Invalid);
            if !twice.contains(&folded) {
                twice.push(folded);
            }
        }
    }
    if twice.is_empty() {
        Ok(())
    } else {
        Err((Refusal::Duplicates(twice), marks))
    }
}

//! One record to write: its values checked, its target found, its conflicts seen, before anything is stored.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::batch_input::Input;
use super::contact::Change;
use super::errors::{Problem, Refusal, details, properties_message};
use super::log::{Outcome, Row};
use super::portal::{Call, State};
use super::store::Key;
use super::values;

/// A write that nothing stands against.
#[derive(Debug)]
pub(super) struct Planned {
    /// None makes a contact.
    pub target: Option<u64>,
    pub changes: Vec<Change>,
}

/// Why one record cannot be written.
#[derive(Clone, Debug)]
pub(super) enum RowError {
    Problems(Vec<Problem>),
    MissingRequired(Vec<String>),
    /// An update's id names nothing.
    Missing(String),
    /// An address belongs to this other contact.
    Conflict(u64),
}

impl RowError {
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Problems(_) | Self::MissingRequired(_) => Outcome::Invalid,
            Self::Missing(_) => Outcome::Missing,
            Self::Conflict(_) => Outcome::Conflict,
        }
    }

    /// The refusal of a whole request for this record's sake.
    pub fn into_refusal(self) -> Refusal {
        match self {
            Self::Problems(problems) => Refusal::Properties(problems),
            Self::MissingRequired(names) => Refusal::MissingRequired(names),
            Self::Missing(_) => Refusal::NotFound("resource not found".to_owned()),
            Self::Conflict(id) => Refusal::Conflict(id),
        }
    }

    /// An item of a 207's `errors`. Every second one carries its codes in the message text only: HubSpot does
    /// both [github.com/Atlas-Authority/marketing-automation issue 174].
    pub fn item(&self, trace_id: Option<&str>, terse: bool) -> Value {
        let mut context = Map::new();
        if let Some(trace_id) = trace_id {
            context.insert("objectWriteTraceId".to_owned(), json!([trace_id]));
        }
        let (category, message, errors) = match self {
            Self::Problems(problems) => {
                let errors = if terse { json!([]) } else { details(problems) };
                ("VALIDATION_ERROR", properties_message(problems), errors)
            }
            Self::MissingRequired(names) => {
                let detail = json!({"message": "A required property is missing.",
                    "code": "MISSING_REQUIRED_PROPERTY", "context": {"propertyName": names}});
                (
                    "VALIDATION_ERROR",
                    "Required properties are missing.".to_owned(),
                    json!([detail]),
                )
            }
            Self::Missing(id) => {
                // Clients have met both names of this list.
                let name = if terse { "id" } else { "ids" };
                context.insert(name.to_owned(), json!([id]));
                let message = "Could not get some CONTACT objects, they may be deleted or not exist. \
                     Check that ids are valid.";
                ("OBJECT_NOT_FOUND", message.to_owned(), json!([]))
            }
            Self::Conflict(id) => (
                "CONFLICT",
                format!("Contact already exists. Existing ID: {id}"),
                json!([]),
            ),
        };
        json!({"status": "error", "category": category, "message": message,
            "context": context, "errors": errors, "links": {}})
    }
}

impl State {
    /// `email`, a custom unique property, or (absent) the record id.
    pub fn key(&self, id_property: Option<&str>) -> Result<Key, Refusal> {
        match id_property {
            None | Some("" | "hs_object_id") => Ok(Key::RecordId),
            Some("email") => Ok(Key::Email),
            Some(name) => match self.schema.unique().find(|definition| &*definition.name == name) {
                Some(definition) => Ok(Key::Unique(Arc::clone(&definition.name))),
                None => Err(Refusal::Validation(
                    "Unable to perform update/upsert by non-unique 0-1 property".to_owned(),
                )),
            },
        }
    }

    /// Checks values only.
    pub fn changes(&self, pairs: &[(String, String)]) -> Result<Vec<Change>, RowError> {
        let mut changes = Vec::with_capacity(pairs.len() + 1);
        let mut problems = Vec::new();
        for (name, value) in pairs {
            match (values::check(&self.schema, name, value), self.schema.live(name)) {
                (Ok(stored), Some(definition)) => changes.push((Arc::clone(&definition.name), stored.into())),
                (Err(problem), _) => problems.push(problem),
                (Ok(_), None) => {}
            }
        }
        if problems.is_empty() {
            Ok(changes)
        } else {
            Err(RowError::Problems(problems))
        }
    }

    /// Checks that a new contact has what one needs.
    pub fn check_new(&self, call: &Call, changes: &[Change]) -> Result<(), RowError> {
        let has = |wanted: &str| {
            changes
                .iter()
                .any(|(name, value)| &**name == wanted && !value.is_empty())
        };
        if !["email", "firstname", "lastname"].into_iter().any(has) {
            let message = "At least one of email, firstname, lastname is required to create a contact";
            return Err(RowError::Problems(vec![Problem {
                property: "email".to_owned(),
                code: "REQUIRED_FIELD",
                message: message.to_owned(),
            }]));
        }
        let missing: Vec<String> = self
            .options
            .required_properties
            .iter()
            .filter(|name| !has(name))
            .cloned()
            .collect();
        if call.is_2026_09() && !missing.is_empty() {
            Err(RowError::MissingRequired(missing))
        } else {
            Ok(())
        }
    }

    /// Checks that addresses and unique values are free or the target's own.
    pub fn check_free(&self, target: Option<u64>, changes: &[Change]) -> Result<(), RowError> {
        let mut taken = Vec::new();
        for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
            match &**name {
                "email" | "hs_additional_emails" => {
                    let owners = value
                        .split(';')
                        .filter_map(|address| self.store.by_email(address));
                    if let Some(owner) = owners.into_iter().find(|owner| Some(*owner) != target) {
                        return Err(RowError::Conflict(owner));
                    }
                }
                _ => {
                    let owner = self.store.by_unique(name, value);
                    if owner.is_some_and(|owner| Some(owner) != target) {
                        // The code's name is unconfirmed.
                        taken.push(Problem {
                            property: name.to_string(),
                            code: "CONFLICTING_UNIQUE_VALUE",
                            message: format!("another contact already has that value for {name}"),
                        });
                    }
                }
            }
        }
        if taken.is_empty() {
            Ok(())
        } else {
            Err(RowError::Problems(taken))
        }
    }

    /// The log's line for an input: its lead id if it has one.
    pub fn row(&self, key: &Key, input: &Input, outcome: Outcome, contact_id: Option<u64>) -> Row {
        let id = || input.id.clone().unwrap_or_default();
        let lead = match key {
            Key::Unique(_) => None,
            Key::RecordId | Key::Email => {
                let is_unique =
                    |name: &str| self.schema.live(name).is_some_and(|definition| definition.unique);
                input
                    .pairs()
                    .iter()
                    .find(|(name, _)| is_unique(name))
                    .map(|(_, value)| value.clone())
            }
        };
        Row {
            key: lead.unwrap_or_else(id),
            trace_id: input.object_write_trace_id.clone(),
            outcome,
            contact_id,
        }
    }
}

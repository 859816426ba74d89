//! The org's leads: create, change, delete, and the rules on the way.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::errors::RowError;
use super::ids;
use super::lead::{Lead, REVISION};
use super::options::{DuplicateRule, SalesforceOptions};
use super::schema::{self, FieldSpec};
use super::values;

/// What a caller's headers say about a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    /// Order of arrival of the request.
    pub seq: u64,
    /// `Sforce-Auto-Assign`; absent is true.
    pub assigns: bool,
    /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub saves_duplicates: bool,
}

/// Fields and leads.
#[derive(Clone, Debug)]
pub(super) struct Org {
    pub fields: Vec<FieldSpec>,
    pub leads: BTreeMap<String, Lead>,
    pub duplicate_rule: DuplicateRule,
    pub assigns: bool,
    /// Live leads by unique field and value in lower case.
    unique: HashMap<(String, String), String>,
    last_id: u64,
}

/// A record of a request: its fields without `attributes`.
pub(super) type Fields = Map<String, Value>;

impl Org {
    pub(super) fn new(options: &SalesforceOptions) -> Self {
        let mut fields = schema::standard();
        if options.leads_fields {
            fields.extend(schema::of_leads());
        }
        Self {
            fields,
            leads: BTreeMap::new(),
            duplicate_rule: options.duplicate_rule,
            assigns: options.assigns,
            unique: HashMap::new(),
            last_id: 0,
        }
    }

    /// The field of that name, in any case.
    pub(super) fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The first name that is no field.
    pub(super) fn unknown<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        names.find(|name| self.field(name).is_none())
    }

    /// The live lead with a unique value.
    pub(super) fn by_unique(&self, field: &str, value: &str) -> Option<&Lead> {
        let id = self.unique.get(&(field.to_owned(), value.to_lowercase()))?;
        self.leads.get(id)
    }

    /// Makes a lead.
    pub(super) fn create(&mut self, record: &Fields, write: Write) -> Result<String, RowError> {
        let values = self.checked(record)?;
        let is_missing = |field: &&FieldSpec| field.is_required() && !values.contains_key(&field.name);
        let missing: Vec<&str> = self
            .fields
            .iter()
            .filter(is_missing)
            .map(|field| field.name.as_str())
            .collect();
        if !missing.is_empty() {
            let text = format!("Required fields are missing: [{}]", missing.join(", "));
            return Err(RowError::new("REQUIRED_FIELD_MISSING", text, &missing));
        }
        self.check_duplicates(None, &values, write)?;
        self.check_unique(None, &values)?;
        self.last_id += 1;
        let id = ids::record("00Q", self.last_id);
        let mut lead = Lead {
            id: id.clone(),
            values: BTreeMap::from([
                ("Status".to_owned(), json!("Open - Not Contacted")),
                ("OwnerId".to_owned(), json!("005bn00000IntegEAAA")),
                ("CreatedDate".to_owned(), json!(now())),
            ]),
            is_deleted: false,
            conversion: None,
            revisions: Vec::new(),
        };
        for field in self.fields.iter().filter(|field| field.defaulted_on_create) {
            if field.kind == schema::Kind::Boolean {
                lead.values.insert(field.name.clone(), json!(false));
            }
        }
        self.leads.insert(id.clone(), lead);
        self.apply(&id, values, write);
        Ok(id)
    }

    /// Changes a lead.
    pub(super) fn update(&mut self, id: &str, record: &Fields, write: Write) -> Result<(), RowError> {
        let Some(lead) = self.leads.get(id) else {
            return Err(RowError::new(
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
                &[],
            ));
        };
        if lead.is_deleted {
            return Err(deleted());
        }
        if lead.conversion.is_some() {
            // Unconfirmed code.
            let text = "cannot reference converted lead";
            return Err(RowError::new("CANNOT_UPDATE_CONVERTED_LEAD", text, &[]));
        }
        let values = self.checked(record)?;
        self.check_duplicates(Some(id), &values, write)?;
        self.check_unique(Some(id), &values)?;
        self.apply(id, values, write);
        Ok(())
    }

    /// Moves a lead to the recycle bin.
    pub(super) fn delete(&mut self, id: &str) -> Result<(), RowError> {
        let lead = self
            .leads
            .get_mut(id)
            .ok_or_else(|| RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]))?;
        if lead.is_deleted {
            return Err(deleted());
        }
        lead.is_deleted = true;
        for field in self.fields.iter().filter(|field| field.unique) {
            if let Some(value) = lead.text(&field.name) {
                self.unique.remove(&(field.name.clone(), value.to_lowercase()));
            }
        }
        Ok(())
    }

    fn checked(&self, record: &Fields) -> Result<BTreeMap<String, Value>, RowError> {
        let mut values = BTreeMap::new();
        for (name, value) in record {
            let Some(field) = self.field(name) else {
                let text = format!("No such column '{name}' on sobject of type Lead");
                return Err(RowError::new("INVALID_FIELD", text, &[name]));
            };
            values.insert(field.name.clone(), values::read(field, value)?);
        }
        Ok(values)
    }

    fn check_unique(&self, own: Option<&str>, values: &BTreeMap<String, Value>) -> Result<(), RowError> {
        for field in self.fields.iter().filter(|field| field.unique) {
            let Some(value) = values.get(&field.name).and_then(Value::as_str) else {
                continue;
            };
            if let Some(holder) = self.by_unique(&field.name, value)
                && Some(holder.id.as_str()) != own
            {
                let text = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name, holder.id
                );
                return Err(RowError::new("DUPLICATE_VALUE", text, &[]));
            }
        }
        Ok(())
    }

    fn check_duplicates(
        &self,
        own: Option<&str>,
        values: &BTreeMap<String, Value>,
        write: Write,
    ) -> Result<(), RowError> {
        let passes = match self.duplicate_rule {
            DuplicateRule::Off => true,
            DuplicateRule::Alert => write.saves_duplicates,
            DuplicateRule::Block => false,
        };
        let Some(email) = values.get("Email").and_then(Value::as_str).filter(|_| !passes) else {
            return Ok(());
        };
        let is_double = |lead: &&Lead| {
            let same = lead
                .text("Email")
                .is_some_and(|other| other.eq_ignore_ascii_case(email));
            same && !lead.is_deleted && Some(lead.id.as_str()) != own
        };
        match self.leads.values().find(is_double) {
            Some(_) => Err(RowError::new(
                "DUPLICATES_DETECTED",
                "Use one of these records?",
                &[],
            )),
            None => Ok(()),
        }
    }

    fn apply(&mut self, id: &str, values: BTreeMap<String, Value>, write: Write) {
        let queue = (self.assigns && write.assigns).then(|| json!("00Gbn00000QueueEAA"));
        let Some(lead) = self.leads.get_mut(id) else {
            return;
        };
        for field in self.fields.iter().filter(|field| field.unique) {
            if let Some(value) = values.get(&field.name) {
                if let Some(old) = lead.text(&field.name) {
                    self.unique.remove(&(field.name.clone(), old.to_lowercase()));
                }
                if let Some(value) = value.as_str() {
                    self.unique
                        .insert((field.name.clone(), value.to_lowercase()), id.to_owned());
                }
            }
        }
        if let Some(revision) = values.get(REVISION).and_then(Value::as_f64) {
            #[expect(clippy::cast_possible_truncation, reason = "revisions are whole and small")]
            lead.revisions.push((write.seq, revision as i64));
        }
        for (name, value) in values {
            match value {
                Value::Null => lead.values.remove(&name),
                value => lead.values.insert(name, value),
            };
        }
        if let Some(queue) = queue {
            lead.values.insert("OwnerId".to_owned(), queue);
        }
        for stamp in ["LastModifiedDate", "SystemModstamp"] {
            lead.values.insert(stamp.to_owned(), json!(now()));
        }
    }
}

fn deleted() -> RowError {
    RowError::new("ENTITY_IS_DELETED", "entity is deleted", &[])
}

/// `2026-11-22T08:00:00.000+0000`
fn now() -> String {
    let now: DateTime<Utc> = std::time::SystemTime::now().into();
    now.to_rfc3339_opts(SecondsFormat::Millis, true)
        .replace('Z', "+0000")
}

//! Which field goes to which property: defaults, and what a connection changes about them.

use std::collections::BTreeMap;

use super::{EMAIL_PROPERTY, Field, KEY_PROPERTY, MORE_EMAILS_PROPERTY, REVISION_PROPERTY, ValueKind};
use crate::api::Property;

/// Fields and their properties. No property occurs twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    targets: Vec<(Field, String)>,
}

/// Why a connection's mapping cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingProblem {
    /// No such lead field.
    #[error("`{0}` is no lead field that can be mapped")]
    UnknownField(String),
    /// A field whose target is fixed.
    #[error("the email address is always written to `email`")]
    FixedField,
    /// A property that the connector itself needs.
    #[error("`{field}` cannot be written to `{property}`, which the connector needs for itself")]
    Reserved {
        /// The field.
        field: String,
        /// The property.
        property: String,
    },
    /// Two fields want one property.
    #[error("`{field}` cannot be written to `{property}`, which another field is written to")]
    Taken {
        /// The field that comes second.
        field: String,
        /// The property.
        property: String,
    },
    /// The account has no such property.
    #[error("contacts have no property `{property}`, which `{field}` is mapped to")]
    Missing {
        /// The field.
        field: String,
        /// The property.
        property: String,
    },
    /// The property is read-only or of another type.
    #[error("`{field}` cannot be written to `{property}`: {why}")]
    Unfit {
        /// The field.
        field: String,
        /// The property.
        property: String,
        /// What is in the way.
        why: String,
    },
}

impl MappingProblem {
    /// The property at fault, or the field where there is none.
    pub fn subject(&self) -> &str {
        match self {
            Self::UnknownField(field) => field,
            Self::FixedField => EMAIL_PROPERTY,
            Self::Reserved { property, .. }
            | Self::Taken { property, .. }
            | Self::Missing { property, .. }
            | Self::Unfit { property, .. } => property,
        }
    }
}

impl Default for Mapping {
    fn default() -> Self {
        Self::new(&BTreeMap::new()).0
    }
}

impl Mapping {
    /// The defaults with a connection's changes, and the changes that were left out because they cannot be made.
    pub fn new(changes: &BTreeMap<String, String>) -> (Self, Vec<MappingProblem>) {
        let mut problems = Vec::new();
        let mut wanted: BTreeMap<Field, String> = BTreeMap::new();
        for (name, property) in changes {
            let property = property.trim().to_owned();
            match Field::parse(name) {
                None => problems.push(MappingProblem::UnknownField(name.clone())),
                Some(Field::Email) if property == EMAIL_PROPERTY => {}
                Some(Field::Email) => problems.push(MappingProblem::FixedField),
                Some(_) if is_reserved(&property) => {
                    problems.push(MappingProblem::Reserved {
                        field: name.clone(),
                        property,
                    });
                }
                Some(field) => {
                    wanted.insert(field, property);
                }
            }
        }
        let defaults = Field::defaults();
        let mut targets: Vec<(Field, String)> = Vec::new();
        for (field, default) in &defaults {
            let property = wanted.remove(field).unwrap_or_else(|| (*default).to_owned());
            targets.push((field.clone(), property));
        }
        targets.extend(wanted);
        targets.retain(|(_, property)| !property.is_empty());
        let mut mapping = Self { targets: Vec::new() };
        for (field, property) in targets {
            if mapping.targets.iter().any(|(_, taken)| *taken == property) {
                problems.push(MappingProblem::Taken {
                    field: field.to_string(),
                    property,
                });
            } else {
                mapping.targets.push((field, property));
            }
        }
        (mapping, problems)
    }

    /// Fields and properties.
    pub fn targets(&self) -> impl Iterator<Item = (&Field, &str)> {
        self.targets
            .iter()
            .map(|(field, property)| (field, property.as_str()))
    }

    /// Whether anything is written to a property.
    pub fn writes(&self, property: &str) -> bool {
        property == KEY_PROPERTY
            || property == REVISION_PROPERTY
            || self.targets.iter().any(|(_, target)| target == property)
    }

    /// What keeps the mapping from working on an account with these properties.
    pub fn check(&self, properties: &[Property]) -> Vec<MappingProblem> {
        self.targets()
            .filter_map(|(field, name)| check_target(field, name, properties))
            .collect()
    }
}

fn is_reserved(property: &str) -> bool {
    [
        KEY_PROPERTY,
        REVISION_PROPERTY,
        EMAIL_PROPERTY,
        MORE_EMAILS_PROPERTY,
    ]
    .contains(&property)
}

fn check_target(field: &Field, name: &str, properties: &[Property]) -> Option<MappingProblem> {
    let (field_name, property) = (field.to_string(), name.to_owned());
    let Some(found) = properties.iter().find(|property| property.name == name) else {
        return Some(MappingProblem::Missing {
            field: field_name,
            property,
        });
    };
    let why = if !found.writable() {
        Some("it is read-only".to_owned())
    } else {
        misfit(field, found)
    };
    why.map(|why| MappingProblem::Unfit {
        field: field_name,
        property,
        why,
    })
}

/// Why a field's values are none of the property's. Types that are not known here are left to HubSpot.
fn misfit(field: &Field, property: &Property) -> Option<String> {
    let kind = property.kind.as_str();
    match (field.kind(), kind) {
        (_, "string" | "phone_number") => None,
        (ValueKind::Number, "number") | (ValueKind::Bool, "bool") | (ValueKind::Time, "datetime") => None,
        // Accounts rename and reorder these stages; the internal values stay.
        (ValueKind::Word(_), "enumeration") if *field == Field::Lifecycle || property.external_options => {
            None
        }
        (ValueKind::Word(words), "enumeration") => {
            let missing: Vec<&str> = words
                .iter()
                .copied()
                .filter(|word| *word != "closed" && !property.options.iter().any(|it| it.value == *word))
                .collect();
            (!missing.is_empty()).then(|| format!("it lacks the options {}", missing.join(", ")))
        }
        (ValueKind::Text, "number" | "bool" | "date" | "datetime")
        | (ValueKind::Word(_), "number" | "bool" | "date" | "datetime")
        | (ValueKind::Number, "bool" | "date" | "datetime" | "enumeration")
        | (ValueKind::Bool, "number" | "date" | "datetime" | "enumeration")
        | (ValueKind::Time, "number" | "bool" | "date" | "enumeration") => {
            Some(format!("its type is {kind}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(changes: &[(&str, &str)]) -> (Mapping, Vec<MappingProblem>) {
        Mapping::new(
            &changes
                .iter()
                .map(|(field, property)| ((*field).into(), (*property).into()))
                .collect(),
        )
    }

    fn property(name: &str, kind: &str) -> Property {
        Property {
            name: name.into(),
            kind: kind.into(),
            ..Property::default()
        }
    }

    #[test]
    fn a_change_replaces_a_default_and_an_empty_one_drops_it() {
        let (mapping, problems) = mapping(&[
            ("score", "my_score"),
            ("phone", ""),
            ("metrics_points", "my_metrics"),
        ]);
        assert!(problems.is_empty());
        assert!(mapping.writes("my_score") && !mapping.writes("leads_score"));
        assert!(!mapping.writes("phone"));
        assert!(
            mapping.writes("my_metrics") && mapping.writes("jobtitle") && mapping.writes("leads_lead_id")
        );
    }

    #[test]
    fn changes_that_cannot_be_made_are_named_and_the_rest_is_kept() {
        let (mapping, problems) = mapping(&[
            ("colour", "x"),
            ("email", "work_email"),
            ("title", "leads_lead_id"),
            ("company", "phone"),
            ("score", "my_score"),
        ]);
        let subjects: Vec<_> = problems.iter().map(MappingProblem::subject).collect();
        assert_eq!(subjects, ["colour", "email", "leads_lead_id", "phone"]);
        assert!(mapping.writes("email") && mapping.writes("jobtitle") && mapping.writes("my_score"));
    }

    #[test]
    fn targets_that_are_missing_read_only_or_of_another_type_are_named() {
        let (mapping, _) = mapping(&[
            ("score", "gone"),
            ("hot", "tier"),
            ("stage", "hs_lead_status"),
            ("captured_at", "since"),
        ]);
        let mut properties: Vec<Property> = Field::defaults()
            .iter()
            .map(|(_, name)| property(name, "string"))
            .collect();
        properties.extend([
            property("tier", "number"),
            property("hs_lead_status", "enumeration"),
            property("since", "datetime"),
        ]);
        if let Some(phone) = properties.iter_mut().find(|it| it.name == "phone") {
            phone.calculated = true;
        }
        let problems = mapping.check(&properties);
        let mut subjects: Vec<_> = problems.iter().map(MappingProblem::subject).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["gone", "hs_lead_status", "phone", "tier"]);
    }
}

//! Field masks of reads: what of an answer is sent.

use std::{collections::BTreeMap, sync::LazyLock};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value};

use crate::{domain::violation::Violations, service::error::Error};

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(leads_proto::DESCRIPTORS).ok());

/// Fields of a message, each with those of its own; without any, the whole of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fields(BTreeMap<String, Fields>);

/// Fields to keep of messages of one type.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    message: Option<MessageDescriptor>,
    fields: Fields,
}

impl Mask {
    /// Reads a mask of `message`; an absent or empty one keeps everything.
    pub fn read(
        field: &str,
        message: &str,
        mask: Option<&prost_types::FieldMask>,
        violations: &mut Violations,
    ) -> Self {
        let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
        if paths.is_empty() {
            return Self::default();
        }
        let message = POOL.as_ref().and_then(|pool| pool.get_message_by_name(message));
        let mut fields = Fields::default();
        for path in paths {
            match message.as_ref().filter(|message| is_path(message, path)) {
                Some(_) => fields.add(path),
                None => {
                    let shown: String = path.chars().take(64).collect();
                    violations.add(field, format!("{shown:?} is no field of what is listed"));
                }
            }
        }
        Self { message, fields }
    }

    /// The message without what the mask does not name.
    ///
    /// # Errors
    /// Never, but for a defect of the descriptors.
    pub fn keep<M: Message + Default>(&self, message: M) -> Result<M, Error> {
        let Some(descriptor) = &self.message else {
            return Ok(message);
        };
        let bytes = message.encode_to_vec();
        let mut shown =
            DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).map_err(Error::internal)?;
        self.fields.keep(&mut shown);
        M::decode(shown.encode_to_vec().as_slice()).map_err(Error::internal)
    }
}

impl Fields {
    fn add(&mut self, path: &str) {
        let mut fields = self;
        let mut is_new = true;
        for name in path.split('.') {
            if !is_new && fields.0.is_empty() {
                // The whole of it is kept anyway.
                return;
            }
            is_new = !fields.0.contains_key(name);
            fields = fields.0.entry(name.to_owned()).or_default();
        }
        fields.0.clear();
    }

    fn keep(&self, message: &mut DynamicMessage) {
        for field in message.descriptor().fields() {
            match self.0.get(field.name()) {
                None => message.clear_field(&field),
                Some(inner) if inner.0.is_empty() => {}
                Some(inner) if message.has_field(&field) => {
                    if let Value::Message(part) = message.get_field_mut(&field) {
                        inner.keep(part);
                    }
                }
                Some(_) => {}
            }
        }
    }
}

/// Whether the path names a field, or one within single messages.
fn is_path(message: &MessageDescriptor, path: &str) -> bool {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    match (message.get_field_by_name(name), rest) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(field), Some(rest)) => match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() => is_path(&inner, rest),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use leads_proto::leads::v1;

    use super::*;

    fn masked(paths: &[&str]) -> Result<v1::Lead, Vec<String>> {
        let mask = prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let mut violations = Violations::default();
        let mask = Mask::read("read_mask", "leads.v1.Lead", Some(&mask), &mut violations);
        let found = violations.into_vec();
        if !found.is_empty() {
            return Err(found
                .into_iter()
                .map(|violation| violation.text.into_owned())
                .collect());
        }
        Ok(mask.keep(lead()).unwrap())
    }

    fn lead() -> v1::Lead {
        v1::Lead {
            id: "lead_1".to_owned(),
            owner: "bo".to_owned(),
            tags: vec!["hot".to_owned()],
            contact: Some(v1::Contact {
                email: "ana@acme.example".to_owned(),
                name: "Ana".to_owned(),
                ..Default::default()
            }),
            score: Some(v1::Score {
                total: 80,
                dimensions: vec![v1::DimensionScore::default()],
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn what_is_not_named_is_empty() {
        let kept = masked(&["id", "contact.email", "score.total", "outcome"]).unwrap();
        let expected = v1::Lead {
            id: "lead_1".to_owned(),
            contact: Some(v1::Contact {
                email: "ana@acme.example".to_owned(),
                ..Default::default()
            }),
            score: Some(v1::Score {
                total: 80,
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(kept, expected);
        assert_eq!(masked(&[]), Ok(lead()));
        for both in [["contact", "contact.email"], ["contact.email", "contact"]] {
            assert_eq!(masked(&both).unwrap().contact, lead().contact);
        }
    }

    #[test]
    fn paths_that_name_nothing_are_refused() {
        for path in [
            "",
            "surprise",
            "id.x",
            "tags.x",
            "contact.",
            ".id",
            "crm_links.status",
            "contact.attributes.x",
            "*",
        ] {
            assert_eq!(masked(&[path]).unwrap_err().len(), 1, "{path}");
        }
    }
}

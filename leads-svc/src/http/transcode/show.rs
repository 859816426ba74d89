//! Messages as JSON: snake_case names, short lower-case enum words, RFC 3339 times.
//!
//! What is left out: absent messages and optional fields, and enums that say nothing. Texts, numbers, booleans, lists
//! and maps are always there, empty or zero. 64-bit numbers are numbers up to 2^53, which every client can hold, and
//! texts above.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::words;

/// Whole numbers up to here survive in a double.
const MAX_SAFE: u64 = 1 << 53;

/// A message to show.
#[derive(Debug)]
pub struct Shown<'a>(pub &'a DynamicMessage);

/// A field's value to show.
#[derive(Debug)]
pub struct ShownField<'a>(pub &'a FieldDescriptor, pub &'a Value);

struct ShownSingle<'a>(&'a Kind, &'a Value);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.0;
        let descriptor = message.descriptor();
        if descriptor.full_name().starts_with("google.protobuf.") {
            return message.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for field in descriptor.fields() {
            let says_nothing = match field.kind() {
                Kind::Enum(_) if !field.is_list() && !field.is_map() => !message.has_field(&field),
                _ => field.supports_presence() && !message.has_field(&field),
            };
            if !says_nothing {
                map.serialize_entry(field.name(), &ShownField(&field, &message.get_field(&field)))?;
            }
        }
        map.end()
    }
}

impl Serialize for ShownField<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(field, value) = self;
        let kind = field.kind();
        match (value, &kind) {
            (Value::List(values), _) => {
                serializer.collect_seq(values.iter().map(|value| ShownSingle(&kind, value)))
            }
            (Value::Map(entries), Kind::Message(entry)) => {
                let kind = entry.map_entry_value_field().kind();
                let sorted: BTreeMap<String, &Value> = entries
                    .iter()
                    .map(|(key, value)| (key_text(key), value))
                    .collect();
                serializer.collect_map(sorted.iter().map(|(key, value)| (key, ShownSingle(&kind, value))))
            }
            (value, kind) => ShownSingle(kind, value).serialize(serializer),
        }
    }
}

impl Serialize for ShownSingle<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.1, self.0) {
            (Value::Bool(bool), _) => serializer.serialize_bool(*bool),
            (Value::I32(number), _) => serializer.serialize_i32(*number),
            (Value::U32(number), _) => serializer.serialize_u32(*number),
            (Value::I64(number), _) if number.unsigned_abs() <= MAX_SAFE => serializer.serialize_i64(*number),
            (Value::I64(number), _) => serializer.collect_str(number),
            (Value::U64(number), _) if *number <= MAX_SAFE => serializer.serialize_u64(*number),
            (Value::U64(number), _) => serializer.collect_str(number),
            (Value::F32(number), _) => serializer.serialize_f32(*number),
            (Value::F64(number), _) => serializer.serialize_f64(*number),
            (Value::String(text), _) => serializer.serialize_str(text),
            (Value::Bytes(bytes), _) => serializer.serialize_str(&STANDARD.encode(bytes)),
            (Value::EnumNumber(number), Kind::Enum(descriptor)) => match words::of(descriptor, *number) {
                Some(word) => serializer.serialize_str(&word),
                None => serializer.serialize_i32(*number),
            },
            (Value::EnumNumber(number), _) => serializer.serialize_i32(*number),
            (Value::Message(message), _) => Shown(message).serialize(serializer),
            (Value::List(_) | Value::Map(_), _) => Err(serde::ser::Error::custom("a list within a list")),
        }
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use leads_proto::leads::v1;
    use prost::Message;
    use prost_reflect::DescriptorPool;

    use super::*;

    fn show(name: &str, message: &impl Message) -> serde_json::Value {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        let descriptor = pool.get_message_by_name(name).unwrap();
        let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap();
        serde_json::to_value(Shown(&message)).unwrap()
    }

    #[test]
    fn zeros_are_shown_and_absent_parts_are_not() {
        let score = v1::Score {
            total: 0,
            band: 1,
            ..Default::default()
        };
        let shown = show("leads.v1.Score", &score);
        assert_eq!(
            shown,
            serde_json::json!({"total": 0, "band": "cold", "framework": "", "rubric_version": 0, "dimensions": []})
        );
    }

    #[test]
    fn enums_times_maps_and_lists_have_their_rest_form() {
        let lead = v1::Lead {
            stage: 4,
            channels: vec![1, 3],
            captured_at: Some(prost_types::Timestamp {
                seconds: 1_795_334_400,
                nanos: 120_000_000,
            }),
            contact: Some(v1::Contact {
                attributes: [("b".into(), "2".into()), ("a".into(), "1".into())].into(),
                ..Default::default()
            }),
            revision: 1 << 54,
            ..Default::default()
        };
        let shown = show("leads.v1.Lead", &lead);
        assert_eq!(shown["stage"], "demo_booked");
        assert_eq!(shown["channels"], serde_json::json!(["widget", "hosted_page"]));
        assert_eq!(shown["captured_at"], "2026-11-22T08:00:00.120Z");
        assert_eq!(shown["contact"]["attributes"].to_string(), r#"{"a":"1","b":"2"}"#);
        assert_eq!(shown["revision"], "18014398509481984");
        assert!(
            shown.get("outcome").is_none() && shown.get("score").is_none(),
            "{shown}"
        );
    }

    #[test]
    fn optional_numbers_are_shown_when_they_are_set_to_zero() {
        let settings = v1::Settings {
            sync_threshold: Some(0),
            ..Default::default()
        };
        let shown = show("leads.v1.Settings", &settings);
        assert_eq!(shown["sync_threshold"], 0);
        assert!(shown.get("hot_threshold").is_none());
    }
}

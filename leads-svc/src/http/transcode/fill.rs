//! JSON into messages: every field at fault is found, not only the first.

use std::collections::HashSet;

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};

use super::{
    faults::{BODY, Faults},
    json::Node,
    scalar,
};

/// Sets the fields of `message` that the object names. `at` is the path of the object, empty for the document.
pub fn message(message: &mut DynamicMessage, node: Node, at: &str, wrong: &mut Faults) {
    let members = match node {
        Node::Object(members) => members,
        other => {
            let at = if at.is_empty() { BODY } else { at };
            return wrong.add(at, format!("must be an object, not {}", other.kind()));
        }
    };
    let descriptor = message.descriptor();
    let (mut seen, mut chosen) = (HashSet::new(), HashSet::new());
    for (key, node) in members {
        let path = below(at, &key);
        let Some(field) = descriptor.get_field_by_name(&key) else {
            wrong.add(path, "there is no such field");
            continue;
        };
        if !seen.insert(field.number()) {
            wrong.add(path, "is given twice");
            continue;
        }
        if node == Node::Null {
            continue;
        }
        if let Some(choice) = field.containing_oneof().filter(|choice| !choice.is_synthetic())
            && !chosen.insert(choice.name().to_owned())
        {
            let names: Vec<String> = choice.fields().map(|field| field.name().to_owned()).collect();
            wrong.add(path, format!("only one of {} can be given", names.join(", ")));
            continue;
        }
        if let Some(value) = field_value(&field, node, &path, wrong) {
            message.set_field(&field, value);
        }
    }
}

fn field_value(field: &FieldDescriptor, node: Node, path: &str, wrong: &mut Faults) -> Option<Value> {
    if field.is_map() {
        return map(field, node, path, wrong);
    }
    if !field.is_list() {
        return single(&field.kind(), node, path, wrong);
    }
    let nodes = match node {
        Node::List(nodes) => nodes,
        other => {
            wrong.add(path, format!("must be a list, not {}", other.kind()));
            return None;
        }
    };
    let mut values = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.into_iter().enumerate() {
        let value = single(&field.kind(), node, &format!("{path}[{index}]"), wrong);
        // What cannot be read keeps its place, so that the entries after it keep their numbers.
        values.push(value.unwrap_or_else(|| Value::default_value(&field.kind())));
    }
    Some(Value::List(values))
}

fn map(field: &FieldDescriptor, node: Node, path: &str, wrong: &mut Faults) -> Option<Value> {
    let (Kind::Message(entry), Node::Object(members)) = (field.kind(), node) else {
        wrong.add(path, "must be an object");
        return None;
    };
    let (key_kind, value_kind) = (
        entry.map_entry_key_field().kind(),
        entry.map_entry_value_field().kind(),
    );
    let mut entries = std::collections::HashMap::<MapKey, Value>::with_capacity(members.len());
    for (name, node) in members {
        let path = below(path, &name);
        match scalar::key(&key_kind, &name) {
            Err(why) => wrong.add(path, why),
            Ok(key) if entries.contains_key(&key) => wrong.add(path, "is given twice"),
            Ok(key) => entries.extend(single(&value_kind, node, &path, wrong).map(|value| (key, value))),
        }
    }
    Some(Value::Map(entries))
}

fn single(kind: &Kind, node: Node, path: &str, wrong: &mut Faults) -> Option<Value> {
    let Kind::Message(descriptor) = kind else {
        return scalar::from_json(kind, &node)
            .map_err(|why| wrong.add(path, why))
            .ok();
    };
    if descriptor.full_name().starts_with("google.protobuf.") {
        return match (node.into_value(), ()) {
            (Some(value), ()) => well_known(descriptor, value)
                .map_err(|why| wrong.add(path, why))
                .ok(),
            (None, ()) => {
                wrong.add(path, "has a key that is given twice");
                None
            }
        };
    }
    let mut inner = DynamicMessage::new(descriptor.clone());
    message(&mut inner, node, path, wrong);
    Some(Value::Message(inner))
}

/// A message that protobuf gives a JSON form of its own, such as a time.
pub fn well_known(descriptor: &MessageDescriptor, value: serde_json::Value) -> Result<Value, scalar::Wrong> {
    if let ("google.protobuf.FieldMask", serde_json::Value::String(paths)) = (descriptor.full_name(), &value)
    {
        return Ok(Value::Message(field_mask(
            descriptor,
            paths.split(',').filter(|path| !path.is_empty()),
        )));
    }
    DynamicMessage::deserialize(descriptor.clone(), value)
        .map(Value::Message)
        .map_err(|_| match descriptor.full_name() {
            "google.protobuf.Timestamp" => {
                "must be a time in RFC 3339, such as 2026-11-22T08:00:00Z".to_owned()
            }
            "google.protobuf.Duration" => "must be seconds, such as 3.5s".to_owned(),
            "google.protobuf.FieldMask" => "must be field names, separated by commas".to_owned(),
            _ => format!("must be a {}", descriptor.name()),
        })
}

/// A mask of these paths. They are ours, in snake_case, and not ProtoJSON's in camelCase.
pub fn field_mask<'a>(
    descriptor: &MessageDescriptor,
    paths: impl Iterator<Item = &'a str>,
) -> DynamicMessage {
    let mut mask = DynamicMessage::new(descriptor.clone());
    let paths = paths.map(|path| Value::String(path.to_owned())).collect();
    if let Some(field) = descriptor.get_field_by_name("paths") {
        mask.set_field(&field, Value::List(paths));
    }
    mask
}

fn below(at: &str, key: &str) -> String {
    // Keys are the caller's: long ones would fill the answer.
    let key: String = key.chars().take(64).collect();
    if at.is_empty() { key } else { format!("{at}.{key}") }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::{super::json, *};

    fn read(text: &str) -> (DynamicMessage, Vec<String>) {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        let mut request =
            DynamicMessage::new(pool.get_message_by_name("leads.v1.CollectLeadRequest").unwrap());
        let mut wrong = Faults::default();
        message(
            &mut request,
            json::parse(text.as_bytes()).unwrap(),
            "",
            &mut wrong,
        );
        let told = wrong
            .into_error()
            .fields
            .into_iter()
            .map(|violation| format!("{}: {}", violation.field, violation.text));
        (request, told.collect())
    }

    #[test]
    fn a_whole_request_is_read() {
        let (request, wrong) = read(
            r#"{"channel": "widget", "contact": {"email": "a@b.example", "attributes": {"utm": "ads"}},
                "messages": [{"id": "m1", "role": "MESSAGE_ROLE_VISITOR", "text": "hi", "at": "2026-11-22T08:00:00Z"}],
                "intent": null}"#,
        );
        assert_eq!(wrong, Vec::<String>::new());
        let request: leads_proto::leads::v1::CollectLeadRequest = request.transcode_to().unwrap();
        assert_eq!(request.channel, 1);
        assert_eq!(request.contact.unwrap().attributes["utm"], "ads");
        assert_eq!(request.messages[0].role, 1);
        assert_eq!(request.messages[0].at.unwrap().seconds, 1_795_334_400);
        assert_eq!(request.intent, None);
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        let (_, wrong) = read(
            r#"{"channel": "fax", "surprise": 1, "contact": {"email": 7, "nested": {"a": 1}, "attributes": {"k": "1", "k": "2"}},
                "messages": [{"at": "yesterday"}, 5, {"role": "visitor", "role": "bot"}], "request_id": ["a"],
                "__proto__": {}}"#,
        );
        assert_eq!(
            wrong,
            [
                "channel: must be one of widget, whatsapp, hosted_page, email, slack, telegram, discord, api, import",
                "surprise: there is no such field",
                "contact.email: must be a text, not a number",
                "contact.nested: there is no such field",
                "contact.attributes.k: is given twice",
                "messages[0].at: must be a time in RFC 3339, such as 2026-11-22T08:00:00Z",
                "messages[1]: must be an object, not a number",
                "messages[2].role: is given twice",
                "request_id: must be a text, not a list",
                "__proto__: there is no such field",
            ]
        );
    }

    #[test]
    fn times_outside_of_the_calendar_are_refused() {
        for time in [
            "2026-02-30T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-11-22",
            "2026-11-22T08:00:00",
            "",
            "1",
        ] {
            let (_, wrong) = read(&format!(r#"{{"captured_at": "{time}"}}"#));
            assert_eq!(wrong.len(), 1, "{time}");
        }
        let (_, wrong) = read(r#"{"captured_at": "2026-11-22T09:00:00.123456+01:00"}"#);
        assert_eq!(wrong, Vec::<String>::new());
    }
}

//! Query parameters as fields of the request.

use std::collections::HashSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};

use super::{
    faults::Faults,
    fill,
    route::{Body, Route, field_at, parent_of},
    scalar,
    template::decode,
};

/// Sets the fields that the query names. What the path or the body stands for cannot be named here.
pub fn apply(request: &mut DynamicMessage, query: &str, route: &Route, wrong: &mut Faults) {
    let mut seen = HashSet::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(name), Ok(text)) = (decode(&name.replace('+', " ")), decode(&text.replace('+', " "))) else {
            let name: String = name.chars().take(64).collect();
            wrong.add(name, "is not valid percent-encoding of UTF-8");
            continue;
        };
        let Some(field) = field_at(&request.descriptor(), &name).filter(|_| may_name(route, &name)) else {
            let name: String = name.chars().take(64).collect();
            wrong.add(name, "there is no such parameter");
            continue;
        };
        let is_new = seen.insert(name.clone());
        if !is_new && !field.is_list() {
            wrong.add(name, "is given twice");
            continue;
        }
        match value(&field, &text) {
            Ok(value) => set(request, &name, value),
            Err(why) => wrong.add(name, why),
        }
    }
}

/// Sets one field from the path. The body may repeat it, but not contradict it.
pub fn capture(request: &mut DynamicMessage, name: &str, text: &str, wrong: &mut Faults) {
    let Some(field) = field_at(&request.descriptor(), name) else {
        return;
    };
    match value(&field, text) {
        Ok(value) => {
            let Some((parent, leaf)) = parent_of(request, name) else {
                return;
            };
            if parent.has_field(&leaf) && *parent.get_field(&leaf) != value {
                return wrong.add(name, "differs from the one in the path");
            }
            parent.set_field(&leaf, value);
        }
        Err(why) => wrong.add(name, why),
    }
}

fn may_name(route: &Route, name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    match &route.body {
        Body::Whole => false,
        Body::Field(field) if field.name() == first => false,
        Body::None | Body::Field(_) => !route.template.fields().any(|field| field == name),
    }
}

fn value(field: &FieldDescriptor, text: &str) -> Result<Value, scalar::Wrong> {
    match field.kind() {
        _ if field.is_map() => Err("cannot be given as a parameter".to_owned()),
        Kind::Message(descriptor) if descriptor.full_name().starts_with("google.protobuf.") => {
            fill::well_known(&descriptor, text.into())
        }
        Kind::Message(_) => Err("cannot be given as a parameter; name its fields".to_owned()),
        kind => scalar::from_text(&kind, text),
    }
}

fn set(request: &mut DynamicMessage, name: &str, value: Value) {
    let Some((parent, field)) = parent_of(request, name) else {
        return;
    };
    if !field.is_list() {
        parent.set_field(&field, value);
    } else if let Some(list) = parent.get_field_mut(&field).as_list_mut() {
        list.push(value);
    }
}

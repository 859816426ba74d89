//! The OpenAPI document, written from the table that serves the requests, so that the two cannot differ.

use std::collections::BTreeMap;

use leads_proto::reason::Reason;
use prost_reflect::{FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{
    problem,
    transcode::{
        route::{Body, Route, field_at},
        words,
    },
};

/// The document of the routes.
pub fn document<'a>(routes: impl Iterator<Item = &'a Route>) -> Value {
    let mut schemas = Schemas::default();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let verb = route.verb.as_str().to_ascii_lowercase();
        paths
            .entry(route.template.openapi())
            .or_default()
            .insert(verb, operation(route, &mut schemas));
    }
    schemas.0.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Leads",
            "version": "v1",
            "description": "Captures, qualifies and syncs leads. The same calls as the gRPC package leads.v1.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `ak_…`; a platform key, `pk_…`, to create workspaces."},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-leads-session", "description": "A session that `/sign-in` began, where signing in is set up; calls other than GET need the header `leads-csrf: 1` and the page's own origin."},
            },
        },
    })
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let method = &route.method;
    let description = comment(&method.parent_file(), method.path());
    let output = method.output();
    let answer = match &route.response_body {
        Some(field) => schemas.field(field),
        None => schemas.refer(&output),
    };
    let mut operation = json!({
        "operationId": method.name(),
        "tags": [method.parent_service().name().trim_end_matches("Service")],
        "summary": description.split_once(". ").map_or(description.trim_end_matches('.'), |(first, _)| first),
        "description": description,
        "parameters": parameters(route, schemas),
        "responses": {
            "2XX": {
                "description": comment(&output.parent_file(), output.path()),
                "content": {"application/json": {"schema": answer}},
            },
            "default": {
                "description": "A refusal.",
                "content": {problem::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    });
    let body = match &route.body {
        Body::None => return operation,
        Body::Whole => schemas.whole_body(route),
        Body::Field(field) => schemas.field(field),
    };
    let body = json!({"required": true, "content": {"application/json": {"schema": body}}});
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

fn parameters(route: &Route, schemas: &mut Schemas) -> Vec<Value> {
    let input = route.method.input();
    let mut parameters = Vec::new();
    for name in route.template.fields() {
        let Some(field) = field_at(&input, name) else {
            continue;
        };
        parameters.push(json!({
            "name": name.replace('.', "_"),
            "in": "path",
            "required": true,
            "description": comment(&field.parent_message().parent_file(), field.path()),
            "schema": schemas.bare(&field),
        }));
    }
    for field in input.fields() {
        let in_path = route.template.fields().any(|name| name == field.name());
        let in_body = route.body == Body::Whole || route.body == Body::Field(field.clone());
        if !in_path && !in_body {
            parameters.push(json!({
                "name": field.name(),
                "in": "query",
                "description": comment(&input.parent_file(), field.path()),
                "schema": schemas.bare(&field),
            }));
        }
    }
    if let Body::Field(body) = &route.body
        && let Kind::Message(resource) = body.kind()
        && resource.get_field_by_name("etag").is_some()
    {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "description": "The resource's etag in double quotes: the change is refused if somebody was faster.",
            "schema": {"type": "string"},
        }));
    }
    parameters
}

/// Schemas of the messages and enums met so far.
#[derive(Default)]
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    fn refer(&mut self, message: &MessageDescriptor) -> Value {
        let name = message.name().to_owned();
        if !self.0.contains_key(&name) {
            // A place-holder first, since messages may hold themselves.
            self.0.insert(name.clone(), Value::Null);
            let schema = self.object(message, |_| true);
            self.0.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// The request without what the path names.
    fn whole_body(&mut self, route: &Route) -> Value {
        let input = route.method.input();
        if route.template.fields().next().is_none() {
            return self.refer(&input);
        }
        self.object(&input, |field| {
            !route.template.fields().any(|name| name == field.name())
        })
    }

    fn object(&mut self, message: &MessageDescriptor, shown: impl Fn(&FieldDescriptor) -> bool) -> Value {
        let mut properties = Map::new();
        for field in message.fields().filter(shown) {
            properties.insert(field.name().to_owned(), self.field(&field));
        }
        json!({
            "type": "object",
            "description": comment(&message.parent_file(), message.path()),
            "properties": properties,
        })
    }

    /// A field with its comment.
    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let mut schema = self.bare(field);
        let description = comment(&field.parent_message().parent_file(), field.path());
        if let Some(schema) = schema.as_object_mut().filter(|_| !description.is_empty()) {
            schema.insert("description".to_owned(), description.into());
        }
        schema
    }

    fn bare(&mut self, field: &FieldDescriptor) -> Value {
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            return json!({"type": "object", "additionalProperties": self.kind(&entry.map_entry_value_field().kind())});
        }
        let kind = self.kind(&field.kind());
        if field.is_list() {
            json!({"type": "array", "items": kind})
        } else {
            kind
        }
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Float | Kind::Double => json!({"type": "number"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0}),
            // Above 2^53 they are texts, so that every client can hold them.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": ["integer", "string"], "format": "int64"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": ["integer", "string"], "format": "uint64"}),
            Kind::Enum(descriptor) => json!({"type": "string", "enum": words::all(descriptor)}),
            Kind::Message(message) => match message.full_name() {
                "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
                "google.protobuf.Duration" => json!({"type": "string", "examples": ["3.5s"]}),
                "google.protobuf.FieldMask" => json!({"type": "string", "examples": ["stage,owner"]}),
                name if name.starts_with("google.protobuf.") => json!({}),
                _ => self.refer(message),
            },
        }
    }
}

fn problem_schema() -> Value {
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    let told: Vec<String> = Reason::ALL
        .iter()
        .map(|reason| format!("- `{}`: {}", reason.name(), reason.description()))
        .collect();
    json!({
        "type": "object",
        "description": "A refusal, as RFC 9457 has it.",
        "required": ["type", "title", "status", "detail", "reason"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "The reason as a URN."},
            "title": {"type": "string", "description": "The reason in words."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What is wrong with this request."},
            "reason": {"type": "string", "enum": reasons, "description": told.join("\n")},
            "field_errors": {
                "type": "array",
                "description": "Every field at fault.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
            "metadata": {
                "type": "object",
                "description": "Facts that a program may act on, such as the missing `scope`.",
                "additionalProperties": {"type": "string"},
            },
            "retry_after_ms": {"type": "integer", "description": "When a repeat makes sense, in milliseconds."},
            "trace_id": {"type": "string", "description": "Finds the request in the service's logs."},
        },
    })
}

/// The comment above an element, in one paragraph.
pub fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    let words = location.map(|location| location.leading_comments().split_whitespace().collect::<Vec<_>>());
    words.unwrap_or_default().join(" ")
}

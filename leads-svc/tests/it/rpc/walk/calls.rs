//! Calls of any method with any message, over gRPC or REST, and all that came back.

use http::Method;
use leads_testkit::http::Http;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost_reflect::{DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::{Map, Value};

use crate::rpc::service::{Service, reason};

/// A call to make.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: MethodDescriptor,
    pub key: String,
    /// Workspace that the call names.
    pub workspace: Option<String>,
    /// The message's bytes.
    pub request: Vec<u8>,
    pub over: Over,
}

/// How a call travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Grpc,
    Rest,
    /// REST, for an answer as a table.
    Table,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Whether the call was carried out.
    pub is_ok: bool,
    /// Code and reason, or the HTTP status and reason.
    pub verdict: String,
    /// Everything that the caller sees but for what differs from call to call by nature.
    pub seen: Vec<u8>,
    /// Everything that the caller sees.
    pub all: String,
    /// The answer's message, if it came as one.
    pub message: Option<DynamicMessage>,
}

impl Call {
    /// The path of the method.
    pub fn path(&self) -> String {
        format!(
            "/{}/{}",
            self.method.parent_service().full_name(),
            self.method.name()
        )
    }

    /// Everything that the caller said.
    pub fn said(&self) -> String {
        let mut said = String::from_utf8_lossy(&self.request).to_lowercase();
        said.push_str(self.workspace.as_deref().unwrap_or_default());
        said
    }

    pub async fn send(&self, service: &Service, http: &Http) -> Answer {
        if self.over != Over::Grpc
            && let Some((verb, path, body)) = self.spelled()
        {
            return self.rest(http, verb, &path, body).await;
        }
        let (path, workspace) = (self.path(), self.workspace.as_deref());
        let called = service
            .doors
            .call(&path, &self.key, workspace, self.request.clone());
        match called.await {
            Ok(answer) => Answer {
                is_ok: true,
                verdict: "Ok".to_owned(),
                all: String::from_utf8_lossy(&answer).into_owned(),
                message: Some(DynamicMessage::decode(self.method.output(), answer.as_slice()).unwrap()),
                seen: answer,
            },
            Err(status) => {
                let verdict = format!("{:?} {}", status.code(), reason(&status));
                let parts = [verdict.as_bytes(), status.message().as_bytes(), status.details()];
                let seen = parts.join(&b"\n"[..]);
                Answer {
                    is_ok: false,
                    verdict,
                    all: format!("{}\n{:?}", String::from_utf8_lossy(&seen), status.metadata()),
                    seen,
                    message: None,
                }
            }
        }
    }

    async fn rest(&self, http: &Http, verb: Method, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(self.workspace.as_deref().map(|name| ("leads-workspace", name)));
        if self.over == Over::Table {
            headers.push(("accept", "text/csv"));
        }
        let reply = http.send(verb, path, &headers, body.as_ref()).await.unwrap();
        let is_ok = reply.status.is_success();
        let mut verdict = format!("{}", reply.status.as_u16());
        let mut seen = reply.body.to_vec();
        if !is_ok {
            let mut problem: Value = serde_json::from_slice(&reply.body).unwrap();
            problem.as_object_mut().unwrap().remove("trace_id").unwrap();
            verdict = format!("{verdict} {}", problem["reason"].as_str().unwrap());
            seen = problem.to_string().into_bytes();
        }
        Answer {
            is_ok,
            verdict,
            seen,
            all: format!("{:?}\n{}", reply.headers, reply.text()),
            message: None,
        }
    }

    /// The call as REST spells it; none if it has a rule that the message does not fit, such as an empty id in the path.
    fn spelled(&self) -> Option<(Method, String, Option<Value>)> {
        let pool = self.method.parent_pool();
        let options = self.method.options();
        let rule = options.get_extension(&pool.get_extension_by_name("google.api.http")?);
        let rule = rule.as_message()?.clone();
        let (verb, template) = ["get", "put", "post", "delete", "patch"]
            .iter()
            .find_map(|verb| {
                let template = rule.get_field_by_name(verb)?.as_str()?.to_owned();
                (!template.is_empty()).then(|| {
                    (
                        Method::from_bytes(verb.to_uppercase().as_bytes()).unwrap(),
                        template,
                    )
                })
            })?;
        let body = rule.get_field_by_name("body")?.as_str()?.to_owned();
        let message = DynamicMessage::decode(self.method.input(), self.request.as_slice()).unwrap();
        let json = SerializeOptions::new()
            .use_proto_field_name(true)
            .skip_default_fields(true);
        let json = message.serialize_with_options(serde_json::value::Serializer, &json);
        let Value::Object(mut fields) = json.unwrap() else {
            return None;
        };
        let mut path = String::new();
        for part in template.split_inclusive(['{', '}']) {
            match part.strip_suffix('}') {
                Some(field) => {
                    let value = taken(&mut fields, field)?;
                    path.push_str(&utf8_percent_encode(value.as_str()?, NON_ALPHANUMERIC).to_string());
                }
                None => path.push_str(part.trim_end_matches('{')),
            }
        }
        let body = match body.as_str() {
            "" => None,
            "*" => Some(Value::Object(std::mem::take(&mut fields))),
            field => Some(fields.remove(field)?),
        };
        for (name, value) in fields {
            let value = match value {
                Value::String(text) => text,
                Value::Object(_) | Value::Array(_) => return None,
                other => other.to_string(),
            };
            let mark = if path.contains('?') { '&' } else { '?' };
            let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
            path.push_str(&format!("{mark}{name}={value}"));
        }
        Some((verb, path, body))
    }
}

/// Takes a field by its path out of a message as JSON.
fn taken(fields: &mut Map<String, Value>, path: &str) -> Option<Value> {
    match path.split_once('.') {
        Some((first, rest)) => taken(fields.get_mut(first)?.as_object_mut()?, rest),
        None => fields.remove(path),
    }
}

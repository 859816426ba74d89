//! A REST request as the message that the method takes.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method as Verb};
use leads_proto::reason::Reason;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::{
    faults::{BODY, Faults, spelled},
    fill,
    json::{self, Node},
    query,
    route::{Body, Route},
    template::Captured,
};
use crate::service::error::{Error, Result};

/// What a route found in a request's head.
#[derive(Debug, Clone)]
pub struct Head {
    /// The route.
    pub route: Arc<Route>,
    /// Fields that the path names.
    pub captured: Captured,
    /// The query as sent.
    pub query: String,
    /// `If-Match`.
    pub if_match: Option<HeaderValue>,
}

/// Name of the field that resources carry their version in.
const ETAG: &str = "etag";

/// Name of the field that says what a PATCH changes.
pub const UPDATE_MASK: &str = "update_mask";

/// How a route's callers name the fields of its message.
#[derive(Debug)]
pub struct Spelling {
    body_field: Option<String>,
    makes_mask: bool,
}

impl Spelling {
    /// What the caller sent for a field of the message.
    pub fn of(&self, field: &str) -> String {
        if self.makes_mask && field == UPDATE_MASK {
            return BODY.to_owned();
        }
        spelled(field, self.body_field.as_deref()).to_owned()
    }
}

impl Head {
    /// How the caller names fields.
    pub fn spelling(&self) -> Spelling {
        Spelling {
            body_field: self.route.body_field().map(str::to_owned),
            makes_mask: self.makes_mask(),
        }
    }

    /// Whether the fields that the body names are the mask.
    pub fn makes_mask(&self) -> bool {
        let names = self.query.split('&').map(|pair| pair.split('=').next());
        self.route.verb == Verb::PATCH && names.flatten().all(|name| name != UPDATE_MASK)
    }
}

/// The message of a request, and what of it could not be read.
///
/// # Errors
/// `MALFORMED_REQUEST` if the body is not JSON, `ETAG_MISMATCH` for an `If-Match` that can match nothing.
pub fn message(head: &Head, body: &Bytes) -> Result<(DynamicMessage, Faults)> {
    let route = &head.route;
    let mut request = DynamicMessage::new(route.method.input());
    let mut wrong = Faults::default();
    let mut keys = Vec::new();
    match &route.body {
        Body::None if body.is_empty() => {}
        Body::None => return Err(Error::new(Reason::MalformedRequest, "this path takes no body")),
        Body::Whole => fill::message(&mut request, document(body)?, "", &mut wrong),
        Body::Field(field) => {
            let node = document(body)?;
            keys = top_keys(&node);
            if let Some(inner) = request.get_field_mut(field).as_message_mut() {
                fill::message(inner, node, "", &mut wrong);
            }
            match_etag(&mut request, field, head.if_match.as_ref(), &mut wrong)?;
        }
    }
    query::apply(&mut request, &head.query, route, &mut wrong);
    for (name, text) in &head.captured {
        query::capture(&mut request, name, text, &mut wrong);
    }
    if route.verb == Verb::PATCH {
        mask(&mut request, route, &keys);
    }
    Ok((request, wrong))
}

/// The body's JSON; nothing at all stands for an empty object.
fn document(body: &Bytes) -> Result<Node> {
    if body.is_empty() {
        return Ok(Node::Object(Vec::new()));
    }
    json::parse(body).map_err(|why| Error::new(Reason::MalformedRequest, why))
}

fn top_keys(node: &Node) -> Vec<String> {
    match node {
        Node::Object(members) => members.iter().map(|(key, _)| key.clone()).collect(),
        _ => Vec::new(),
    }
}

/// A PATCH changes what its body names, unless the query has a mask of its own.
fn mask(request: &mut DynamicMessage, route: &Route, keys: &[String]) {
    let Body::Field(body) = &route.body else { return };
    let Some(field) = route.method.input().get_field_by_name(UPDATE_MASK) else {
        return;
    };
    let Kind::Message(descriptor) = field.kind() else {
        return;
    };
    if request.has_field(&field) {
        return;
    }
    let Kind::Message(resource) = body.kind() else {
        return;
    };
    let in_path = |key: &str| {
        route
            .template
            .fields()
            .any(|path| path == format!("{}.{key}", body.name()))
    };
    let paths: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .filter(|key| *key != ETAG && !in_path(key) && resource.get_field_by_name(key).is_some())
        .collect();
    request.set_field(
        &field,
        Value::Message(fill::field_mask(&descriptor, paths.into_iter())),
    );
}

/// Writes `If-Match` into the resource's `etag`.
fn match_etag(
    request: &mut DynamicMessage,
    body: &FieldDescriptor,
    if_match: Option<&HeaderValue>,
    wrong: &mut Faults,
) -> Result<()> {
    let Some(if_match) = if_match else { return Ok(()) };
    let Some(resource) = request.get_field_mut(body).as_message_mut() else {
        return Ok(());
    };
    let Some(sent) = resource
        .get_field_by_name(ETAG)
        .and_then(|etag| etag.as_str().map(str::to_owned))
    else {
        return Ok(());
    };
    let text = if_match.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(());
    }
    if text.starts_with("W/") {
        return Err(Error::new(
            Reason::EtagMismatch,
            "If-Match compares strongly, so a weak etag matches nothing",
        ));
    }
    let etag = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .filter(|etag| !etag.contains('"'));
    match etag {
        Some(etag) if sent.is_empty() || sent == etag => {
            resource.set_field_by_name(ETAG, Value::String(etag.to_owned()));
        }
        Some(_) => wrong.add(ETAG, "differs from the one in If-Match"),
        None => wrong.add("If-Match", "must be one etag in double quotes, or *"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use leads_proto::leads::v1;
    use prost_reflect::DescriptorPool;

    use super::{
        super::{
            route::{Found, Routes},
            show::Shown,
        },
        *,
    };

    fn read(verb: Verb, target: &str, if_match: Option<&'static str>, body: &str) -> Result<DynamicMessage> {
        let routes = Routes::of(&DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap()).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Found::Route(route, captured) = routes.find(&verb, path) else {
            panic!("no route for {target}")
        };
        let if_match = if_match.map(HeaderValue::from_static);
        let head = Head {
            route: route.clone(),
            captured,
            query: query.to_owned(),
            if_match,
        };
        let (message, faults) = message(&head, &Bytes::copy_from_slice(body.as_bytes()))?;
        if faults.is_empty() {
            Ok(message)
        } else {
            Err(faults.into_error())
        }
    }

    fn refused(verb: Verb, target: &str, body: &str) -> Vec<String> {
        let error = read(verb, target, None, body).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidFields, "{error}");
        error
            .fields
            .into_iter()
            .map(|violation| format!("{}: {}", violation.field, violation.text))
            .collect()
    }

    #[test]
    fn parameters_become_fields() {
        let request = read(
            Verb::GET,
            "/v1/leads?score_min=80&stage=demo_booked&q=ana+ruiz%21&page_size=5",
            None,
            "",
        );
        let request: v1::ListLeadsRequest = request.unwrap().transcode_to().unwrap();
        assert_eq!(
            (request.score_min, request.stage, request.page_size),
            (Some(80), 4, 5)
        );
        assert_eq!(request.q, "ana ruiz!");
    }

    #[test]
    fn every_bad_parameter_is_told() {
        let told = refused(
            Verb::GET,
            "/v1/leads?score_min=abc&page_size=1&page_size=2&unknown=1&q=%zz&stage=sold&score_max=&q=%ff&%=1",
            "",
        );
        assert_eq!(
            told,
            [
                "score_min: must be a whole number of 32 bits",
                "page_size: is given twice",
                "unknown: there is no such parameter",
                "q: is not valid percent-encoding of UTF-8",
                "stage: must be one of new, contacted, qualified, demo_booked, opportunity, closed",
                "score_max: must be a whole number of 32 bits",
                "q: is not valid percent-encoding of UTF-8",
                "%: is not valid percent-encoding of UTF-8",
            ]
        );
    }

    #[test]
    fn what_path_or_body_stand_for_is_no_parameter() {
        assert_eq!(
            refused(Verb::GET, "/v1/leads/a?lead_id=b", ""),
            ["lead_id: there is no such parameter"]
        );
        assert_eq!(
            refused(Verb::POST, "/v1/leads:collect?channel=api", "{}"),
            ["channel: there is no such parameter"]
        );
        let told = refused(Verb::PATCH, "/v1/leads/a?lead.stage=new", r#"{"owner": "x"}"#);
        assert_eq!(told, ["lead.stage: there is no such parameter"]);
    }

    #[test]
    fn a_patch_changes_what_its_body_names() {
        let body = r#"{"id": "a", "owner": null, "stage": "closed", "etag": "e"}"#;
        let request: v1::UpdateLeadRequest = read(Verb::PATCH, "/v1/leads/a", None, body)
            .unwrap()
            .transcode_to()
            .unwrap();
        assert_eq!(request.update_mask.unwrap().paths, ["owner", "stage"]);
        let lead = request.lead.unwrap();
        assert_eq!((lead.id.as_str(), lead.stage, lead.etag.as_str()), ("a", 6, "e"));
    }

    #[test]
    fn the_mask_of_the_query_wins() {
        let body = r#"{"stage": "new", "required_fields": ["name"]}"#;
        let request = read(
            Verb::PATCH,
            "/v1/workspace/settings?update_mask=required_fields,hot_threshold",
            None,
            r#"{"required_fields": ["name"]}"#,
        );
        let request: v1::UpdateSettingsRequest = request.unwrap().transcode_to().unwrap();
        assert_eq!(
            request.update_mask.unwrap().paths,
            ["required_fields", "hot_threshold"]
        );
        assert!(read(Verb::PATCH, "/v1/workspace/settings", None, body).is_err());
    }

    #[test]
    fn if_match_becomes_the_etag() {
        let patch = |if_match, body| read(Verb::PATCH, "/v1/leads/a", Some(if_match), body);
        let etag = |request: Result<DynamicMessage>| {
            request
                .unwrap()
                .transcode_to::<v1::UpdateLeadRequest>()
                .unwrap()
                .lead
                .unwrap()
                .etag
        };
        assert_eq!(etag(patch("\"7\"", r#"{"owner": "x"}"#)), "7");
        assert_eq!(etag(patch("*", r#"{"owner": "x"}"#)), "");
        assert_eq!(etag(patch("\"7\"", r#"{"owner": "x", "etag": "7"}"#)), "7");
        assert_eq!(
            patch("W/\"7\"", r#"{"owner": "x"}"#).unwrap_err().reason,
            Reason::EtagMismatch
        );
        for bad in ["7", "\"7\", \"8\"", ""] {
            assert_eq!(
                patch(bad, r#"{"owner": "x"}"#).unwrap_err().reason,
                Reason::InvalidFields,
                "{bad}"
            );
        }
        assert!(patch("\"7\"", r#"{"owner": "x", "etag": "8"}"#).is_err());
    }

    #[test]
    fn the_body_may_repeat_the_path_and_not_contradict_it() {
        assert!(read(Verb::POST, "/v1/leads/a:sync", None, r#"{"lead_id": "a"}"#).is_ok());
        assert!(read(Verb::POST, "/v1/leads/a:sync", None, "").is_ok());
        let told = refused(Verb::POST, "/v1/leads/a:sync", r#"{"lead_id": "b"}"#);
        assert_eq!(told, ["lead_id: differs from the one in the path"]);
        let request: v1::ConnectProviderRequest = read(
            Verb::PUT,
            "/v1/connections/hubspot",
            None,
            r#"{"hubspot": {"access_token": "t"}}"#,
        )
        .unwrap()
        .transcode_to()
        .unwrap();
        assert_eq!(request.provider, 1);
    }

    proptest::proptest! {
        #[test]
        fn no_query_and_no_body_make_it_panic(query in ".{0,200}", body in "[\\[\\]{}\",:a-z0-9eE.+\\\\u-]{0,200}") {
            let _ = read(Verb::GET, &format!("/v1/leads?{query}"), None, "");
            let _ = read(Verb::POST, "/v1/leads:collect", None, &body);
            let _ = read(Verb::PATCH, &format!("/v1/leads/a?{query}"), None, &body);
        }

        #[test]
        fn what_fits_the_contract_is_read_as_it_was_meant(
            email in "\\PC{0,40}",
            channel in 1_i32..=9,
            at in proptest::option::of(0_i64..253_402_300_799),
            keys in proptest::collection::btree_map("[a-z]{1,8}", "\\PC{0,20}", 0..4),
        ) {
            let meant = v1::CollectLeadRequest {
                channel,
                contact: Some(v1::Contact { email, attributes: keys.into_iter().collect(), ..Default::default() }),
                captured_at: at.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
                ..Default::default()
            };
            let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
            let mut message = DynamicMessage::new(pool.get_message_by_name("leads.v1.CollectLeadRequest").unwrap());
            message.transcode_from(&meant).unwrap();
            let json = serde_json::to_string(&Shown(&message)).unwrap();
            let read: v1::CollectLeadRequest =
                read(Verb::POST, "/v1/leads:collect", None, &json).unwrap().transcode_to().unwrap();
            proptest::prop_assert_eq!(read, meant);
        }
    }
}

//! The table of REST routes, read from the contract's `google.api.http` annotations.

use std::sync::Arc;

use http::Method as Verb;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage, Value,
};

use super::template::{Captured, Template};

/// One way to call a method.
#[derive(Debug, Clone)]
pub struct Route {
    /// HTTP verb.
    pub verb: Verb,
    /// Shape of the path.
    pub template: Template,
    /// What the request body stands for.
    pub body: Body,
    /// Field of the answer that the response body stands for, if not the whole.
    pub response_body: Option<FieldDescriptor>,
    /// The method.
    pub method: MethodDescriptor,
    /// Path of the method in gRPC.
    pub path: String,
}

/// What a request body stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// Every field that the path does not name.
    Whole,
    /// One field.
    Field(FieldDescriptor),
}

/// All routes, the most specific first.
#[derive(Debug)]
pub struct Routes(Vec<Arc<Route>>);

/// What a verb and a path lead to.
#[derive(Debug)]
pub enum Found<'a> {
    /// A route, with the fields that the path names.
    Route(&'a Arc<Route>, Captured),
    /// A route, whose path cannot be decoded.
    BadEncoding,
    /// The path exists, with these verbs.
    OtherVerbs(Vec<&'a Verb>),
    /// Nothing.
    Nothing,
}

/// The contract breaks a rule of `google.api.http`; names the method.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP rule of {0} cannot be served")]
pub struct BadRule(String);

impl Routes {
    /// Routes of all unary methods that have a rule.
    ///
    /// # Errors
    /// A rule is malformed, or names fields that the request lacks.
    pub fn of(pool: &DescriptorPool) -> Result<Self, BadRule> {
        let Some(http) = pool.get_extension_by_name("google.api.http") else {
            return Ok(Self(Vec::new()));
        };
        let mut routes = Vec::new();
        for method in pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
        {
            let options = method.options();
            if !options.has_extension(&http) || method.is_client_streaming() || method.is_server_streaming() {
                continue;
            }
            let rule = options.get_extension(&http);
            let bad = || BadRule(method.full_name().to_owned());
            let rule = rule.as_message().ok_or_else(bad)?;
            routes.push(route(&method, rule).ok_or_else(bad)?);
            let more = rule.get_field_by_name("additional_bindings");
            for rule in more.iter().filter_map(|more| more.as_list()).flatten() {
                routes.push(
                    rule.as_message()
                        .and_then(|rule| route(&method, rule))
                        .ok_or_else(bad)?,
                );
            }
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.template.literals()));
        Ok(Self(routes.into_iter().map(Arc::new).collect()))
    }

    /// The routes.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter().map(Arc::as_ref)
    }

    /// What a verb and a path (as sent) lead to.
    pub fn find(&self, verb: &Verb, path: &str) -> Found<'_> {
        let Some(path) = path.strip_prefix('/') else {
            return Found::Nothing;
        };
        let parts: Vec<&str> = path.split('/').collect();
        let mut others = Vec::new();
        for route in &self.0 {
            match route.template.matches(&parts) {
                Some(found) if route.verb == *verb => {
                    return found.map_or(Found::BadEncoding, |captured| Found::Route(route, captured));
                }
                Some(_) if !others.contains(&&route.verb) => others.push(&route.verb),
                Some(_) | None => {}
            }
        }
        if others.is_empty() {
            Found::Nothing
        } else {
            Found::OtherVerbs(others)
        }
    }
}

impl Route {
    /// Name of the request's field that the body stands for.
    pub fn body_field(&self) -> Option<&str> {
        match &self.body {
            Body::Field(field) => Some(field.name()),
            Body::None | Body::Whole => None,
        }
    }
}

fn route(method: &MethodDescriptor, rule: &DynamicMessage) -> Option<Route> {
    let (verb, path) = verb_and_path(rule)?;
    let template = Template::parse(&path)?;
    let input = method.input();
    for field in template.fields() {
        let leaf = field_at(&input, field)?;
        if leaf.is_list() || leaf.is_map() || matches!(leaf.kind(), Kind::Message(_)) {
            return None;
        }
    }
    let body = match text(rule, "body").as_str() {
        "" => Body::None,
        "*" => Body::Whole,
        name => Body::Field(
            input
                .get_field_by_name(name)
                .filter(|field| matches!(field.kind(), Kind::Message(_)))?,
        ),
    };
    let response_body = match text(rule, "response_body").as_str() {
        "" => None,
        name => Some(method.output().get_field_by_name(name)?),
    };
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    Some(Route {
        verb,
        template,
        body,
        response_body,
        method: method.clone(),
        path,
    })
}

fn verb_and_path(rule: &DynamicMessage) -> Option<(Verb, String)> {
    for verb in [Verb::GET, Verb::PUT, Verb::POST, Verb::DELETE, Verb::PATCH] {
        let name = verb.as_str().to_ascii_lowercase();
        if rule
            .descriptor()
            .get_field_by_name(&name)
            .is_some_and(|field| rule.has_field(&field))
        {
            return Some((verb, text(rule, &name)));
        }
    }
    let custom = rule.get_field_by_name("custom")?;
    let custom = custom.as_message()?;
    Some((
        Verb::from_bytes(text(custom, "kind").as_bytes()).ok()?,
        text(custom, "path"),
    ))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message
        .get_field_by_name(field)
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The field that a dotted path leads to.
pub fn field_at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let field = message.get_field_by_name(first)?;
    let Some(rest) = rest else { return Some(field) };
    match field.kind() {
        Kind::Message(inner) if !field.is_list() && !field.is_map() => field_at(&inner, rest),
        _ => None,
    }
}

/// The message that the path's part before its last name leads to, made where it is absent, and the last field.
pub fn parent_of<'a>(
    message: &'a mut DynamicMessage,
    path: &str,
) -> Option<(&'a mut DynamicMessage, FieldDescriptor)> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let field = message.descriptor().get_field_by_name(first)?;
    match rest {
        None => Some((message, field)),
        Some(rest) => match message.get_field_mut(&field) {
            Value::Message(inner) => parent_of(inner, rest),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        Routes::of(&DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap()).unwrap()
    }

    fn name(found: Found<'_>) -> String {
        match found {
            Found::Route(route, captured) => format!("{} {captured:?}", route.method.name()),
            Found::BadEncoding => "bad".into(),
            Found::OtherVerbs(verbs) => format!("{verbs:?}"),
            Found::Nothing => "nothing".into(),
        }
    }

    #[test]
    fn verbs_and_paths_lead_to_methods() {
        let routes = routes();
        let found = |verb, path| name(routes.find(&verb, path));
        assert_eq!(found(Verb::POST, "/v1/leads:collect"), "CollectLead []");
        assert_eq!(
            found(Verb::GET, "/v1/leads/lead_1"),
            r#"GetLead [("lead_id", "lead_1")]"#
        );
        assert_eq!(
            found(Verb::PATCH, "/v1/leads/lead_1"),
            r#"UpdateLead [("lead.id", "lead_1")]"#
        );
        assert_eq!(
            found(Verb::POST, "/v1/leads/lead_1:sync"),
            r#"SyncLead [("lead_id", "lead_1")]"#
        );
        assert_eq!(
            found(Verb::PUT, "/v1/connections/hubspot"),
            r#"ConnectProvider [("provider", "hubspot")]"#
        );
        assert_eq!(found(Verb::PUT, "/v1/leads/lead_1"), "[GET, PATCH, DELETE]");
        assert_eq!(found(Verb::GET, "/v1/leads/%zz"), "bad");
        assert_eq!(found(Verb::GET, "/v1/leads/lead_1:unknown"), "nothing");
        assert_eq!(found(Verb::GET, "/v2/leads"), "nothing");
    }

    #[test]
    fn every_public_method_has_a_route_and_no_internal_one_has() {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        let routes = Routes::of(&pool).unwrap();
        for service in pool.services() {
            for method in service.methods() {
                let routed = routes.iter().any(|route| route.method == method);
                assert_eq!(
                    routed,
                    service.package_name() == "leads.v1",
                    "{}",
                    method.full_name()
                );
            }
        }
    }
}

//! The two halves of REST around the gRPC stack: routing and showing outside, reading inside.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method as Verb, Request, Response, StatusCode, header,
};
use leads_proto::reason::Reason;
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage, ReflectMessage};
use tonic::{Status, body::Body};
use tower::{ServiceExt, service_fn};

use super::{
    request::Head,
    route::{BadRule, Found, Routes},
    show::{Shown, ShownField},
    wire::{self, Rules},
};
use crate::{
    http::{
        answer::{self, Calls},
        csv, docs, openapi,
        problem::{self, Problem},
    },
    service::error::Error,
};

/// The answer that can be had as a table too.
const TABLE: &str = "leads.v1.SubjectExport";
/// Metadata by which a handler chooses another status than 200.
const HTTP_STATUS: HeaderName = HeaderName::from_static("x-http-status");

/// The REST face of the contract. Clones share it.
#[derive(Debug, Clone)]
pub struct Rest {
    routes: Arc<Routes>,
    openapi: Bytes,
    docs: Bytes,
    body_bytes: usize,
}

/// The contract cannot be served as REST.
#[derive(Debug, thiserror::Error)]
pub enum BadContract {
    /// Its description cannot be read.
    #[error("the contract's description cannot be read")]
    Descriptor(#[from] DescriptorError),
    /// A rule is malformed.
    #[error(transparent)]
    Rule(#[from] BadRule),
    /// Its document cannot be written.
    #[error("the contract's document cannot be written")]
    Document(#[from] serde_json::Error),
}

impl Rest {
    /// Reads the contract. Request bodies may have `body_bytes`.
    ///
    /// # Errors
    /// The contract breaks a rule; a test of this file holds that it does not.
    pub fn new(body_bytes: usize) -> Result<Self, BadContract> {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS)?;
        let routes = Routes::of(&pool)?;
        let openapi = serde_json::to_vec(&openapi::document(routes.iter()))?.into();
        let docs = docs::page(routes.iter()).into();
        Ok(Self {
            routes: Arc::new(routes),
            docs,
            openapi,
            body_bytes,
        })
    }

    /// The outer half: routes requests, calls `calls` as gRPC, turns what comes back into JSON.
    pub fn serving(&self, calls: Calls) -> Calls {
        let rest = self.clone();
        Calls::new(service_fn(move |request: Request<Body>| {
            let (rest, calls) = (rest.clone(), calls.clone());
            async move {
                let is_head = request.method() == Verb::HEAD;
                let trace_id = problem::trace_id(request.headers());
                let response = match rest.serve(calls, request, trace_id.as_deref()).await {
                    Ok(response) => response,
                    Err(refusal) => refusal.into_response(trace_id.as_deref()),
                };
                Ok(if is_head {
                    answer::headless(response)
                } else {
                    response
                })
            }
        }))
    }

    /// The inner half: reads the body of requests that came through the outer half; others pass. `rules` says what else
    /// is wrong with a request of which a part cannot be read, so that the caller is told everything at once.
    pub fn decoding(&self, inner: Calls, rules: Rules) -> Calls {
        let limit = self.body_bytes;
        Calls::new(service_fn(move |request: Request<Body>| {
            let (inner, rules) = (inner.clone(), rules.clone());
            async move {
                match wire::decode(request, limit, &rules).await {
                    Ok(request) => inner.oneshot(request).await,
                    Err(status) => Ok(status.into_http()),
                }
            }
        }))
    }

    async fn serve(
        &self,
        calls: Calls,
        request: Request<Body>,
        trace_id: Option<&str>,
    ) -> Result<Response<Body>, Refusal> {
        let head = match self.find(&request)? {
            Target::Method(head) => head,
            Target::OpenApi => {
                return Ok(json_answer(
                    StatusCode::OK,
                    HeaderMap::new(),
                    self.openapi.clone(),
                ));
            }
            Target::Docs => return Ok(self.docs_answer()),
        };
        let spelling = head.spelling();
        let (output, part) = (head.route.method.output(), head.route.response_body.clone());
        let as_table = output.full_name() == TABLE && csv::is_wanted(request.headers());
        let response = calls.oneshot(wire::as_grpc(request, *head)?).await;
        let Ok(mut response) = response;
        // What the answer holds until it is read, which the answer in JSON holds in its place.
        let held = std::mem::take(response.extensions_mut());
        let (mut headers, message) = match wire::read_answer(response).await {
            Ok(read) => read,
            Err(failed) => {
                let (status, headers) = *failed;
                return Ok(
                    Problem::read(&status, |field| spelling.of(field), trace_id).into_response(headers)
                );
            }
        };
        let message = DynamicMessage::decode(output, message).map_err(Error::internal)?;
        let status = headers
            .remove(HTTP_STATUS)
            .and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok())
            .unwrap_or(StatusCode::OK);
        if let Some(etag) = etag(&message) {
            headers.insert(header::ETAG, etag);
        }
        if as_table {
            let shown = serde_json::to_value(Shown(&message)).map_err(Error::internal)?;
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8"),
            );
            return Ok(holding(held, answer::with(status, headers, csv::table(&shown))));
        }
        let body = match &part {
            Some(field) => serde_json::to_vec(&ShownField(field, &message.get_field(field))),
            None => serde_json::to_vec(&Shown(&message)),
        };
        let body = body.map_err(Error::internal)?;
        Ok(holding(held, json_answer(status, headers, body)))
    }

    fn docs_answer(&self) -> Response<Body> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(docs::POLICY),
        );
        answer::with(StatusCode::OK, headers, self.docs.clone())
    }

    fn find(&self, request: &Request<Body>) -> Result<Target, Refusal> {
        let (verb, path) = (request.method(), request.uri().path());
        let verb = if *verb == Verb::HEAD { &Verb::GET } else { verb };
        let document = match path {
            "/openapi.json" => Some(Target::OpenApi),
            "/docs" => Some(Target::Docs),
            _ => None,
        };
        if let Some(document) = document {
            return if *verb == Verb::GET {
                Ok(document)
            } else {
                Err(Refusal::verb(&[&Verb::GET]))
            };
        }
        match self.routes.find(verb, path) {
            Found::Route(route, captured) => Ok(Target::Method(Box::new(Head {
                route: route.clone(),
                captured,
                query: request.uri().query().unwrap_or_default().to_owned(),
                if_match: request.headers().get(header::IF_MATCH).cloned(),
            }))),
            Found::BadEncoding => {
                Err(Error::new(Reason::MalformedRequest, "the path is not valid percent-encoding of UTF-8").into())
            }
            Found::OtherVerbs(verbs) => Err(Refusal::verb(&verbs)),
            Found::Nothing if is_grpc_path(path) && *verb == Verb::POST => Err(Error::new(
                Reason::UnsupportedMediaType,
                "gRPC methods take the content type application/grpc; REST has paths of its own, see /openapi.json",
            )
            .into()),
            Found::Nothing if is_grpc_path(path) => Err(Refusal::verb(&[&Verb::POST])),
            Found::Nothing if *verb == Verb::TRACE || *verb == Verb::CONNECT => Err(Refusal::verb(&[&Verb::GET])),
            Found::Nothing => Err(Error::new(Reason::UnknownMethod, "there is no such path").into()),
        }
    }
}

enum Target {
    Method(Box<Head>),
    OpenApi,
    Docs,
}

/// A refusal of the outer half.
struct Refusal {
    error: Box<Error>,
    headers: HeaderMap,
}

impl Refusal {
    fn verb(allowed: &[&Verb]) -> Self {
        let mut names: Vec<&str> = allowed.iter().map(|verb| verb.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.sort_unstable();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
            headers.insert(header::ALLOW, value);
        }
        let error = Error::new(
            Reason::MethodNotAllowed,
            format!("this path takes {}", names.join(", ")),
        );
        Self {
            error: Box::new(error),
            headers,
        }
    }

    fn into_response(self, trace_id: Option<&str>) -> Response<Body> {
        Problem::read(&Status::from(*self.error), str::to_owned, trace_id).into_response(self.headers)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error: Box::new(error),
            headers: HeaderMap::new(),
        }
    }
}

/// Paths of gRPC methods: `/package.Service/Method`.
fn is_grpc_path(path: &str) -> bool {
    path.strip_prefix('/')
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(service, method)| service.contains('.') && !method.is_empty())
}

/// The version of a resource, for `If-Match`.
fn etag(message: &DynamicMessage) -> Option<HeaderValue> {
    let field = message.descriptor().get_field_by_name("etag")?;
    let value = message.get_field(&field);
    let etag = value.as_str().filter(|etag| !etag.is_empty())?;
    HeaderValue::from_str(&format!("\"{etag}\"")).ok()
}

fn holding(held: Extensions, mut response: Response<Body>) -> Response<Body> {
    *response.extensions_mut() = held;
    response
}

fn json_answer(status: StatusCode, mut headers: HeaderMap, body: impl Into<Bytes>) -> Response<Body> {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer::with(status, headers, body)
}

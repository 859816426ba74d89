//! What a call's head must look like: a known method, POST, a gRPC content type and an encoding that we read.

use std::collections::HashMap;

use http::{HeaderValue, Method as Verb, Request, Response, StatusCode, header};
use leads_proto::reason::Reason;
use prost_reflect::{DescriptorError, DescriptorPool};
use tonic::{Status, body::Body};

use crate::grpc::{
    scopes::{self, Access},
    status::refuse,
};

/// Methods without a description of ours whose answers are streams.
const OPEN_STREAMS: [&str; 2] = ["/Watch", "/ServerReflectionInfo"];

/// A method that a door serves.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Path, such as `/leads.v1.LeadsService/GetLead`.
    pub path: &'static str,
    /// What it demands of the caller.
    pub access: Access,
    /// Whether the request is exactly one message.
    pub unary_request: bool,
    /// Whether the answer is exactly one message.
    pub unary_answer: bool,
}

/// The methods that a door serves.
#[derive(Debug)]
pub struct Methods(HashMap<&'static str, Method>);

/// A refusal, with the HTTP status that plain HTTP clients should see.
#[derive(Debug)]
pub struct Refusal {
    http_status: StatusCode,
    status: Box<Status>,
}

impl Methods {
    /// The methods of `package` that the scope table lists, and the open ones.
    ///
    /// # Errors
    /// The contract's description cannot be read.
    pub fn of(package: &str) -> Result<Self, DescriptorError> {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS)?;
        let mut methods = HashMap::new();
        for (path, access) in scopes::TABLE.iter().copied() {
            let service = path.trim_start_matches('/').split('/').next().unwrap_or_default();
            let described = pool.get_service_by_name(service);
            let served = match &described {
                Some(service) => service.package_name() == package,
                None => access == Access::Open,
            };
            if served {
                let method = described.and_then(|service| {
                    let mut methods = service.methods();
                    methods.find(|method| path.ends_with(&format!("/{}", method.name())))
                });
                let unary_request = method
                    .as_ref()
                    .is_some_and(|method| !method.is_client_streaming());
                let unary_answer = match &method {
                    Some(method) => !method.is_server_streaming(),
                    None => !OPEN_STREAMS.iter().any(|name| path.ends_with(name)),
                };
                methods.insert(
                    path,
                    Method {
                        path,
                        access,
                        unary_request,
                        unary_answer,
                    },
                );
            }
        }
        Ok(Self(methods))
    }

    /// Path of the method that a request names.
    pub fn path(&self, request: &Request<Body>) -> Option<&'static str> {
        self.0.get(request.uri().path()).map(|method| method.path)
    }

    /// The method that a request calls.
    ///
    /// # Errors
    /// The head breaks a rule of gRPC over HTTP/2.
    pub fn of_request(&self, request: &Request<Body>) -> Result<Method, Refusal> {
        let unknown = || refuse(Reason::UnknownMethod, "there is no such method");
        let method = self.0.get(request.uri().path()).copied().ok_or_else(unknown)?;
        if request.method() != Verb::POST {
            return Err(Refusal {
                http_status: StatusCode::METHOD_NOT_ALLOWED,
                status: Box::new(refuse(Reason::MethodNotAllowed, "methods are called with POST")),
            });
        }
        if !is_grpc(request.headers().get(header::CONTENT_TYPE)) {
            return Err(Refusal {
                http_status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                status: Box::new(refuse(
                    Reason::UnsupportedMediaType,
                    "the content type must be application/grpc or application/grpc+proto",
                )),
            });
        }
        match request.headers().get("grpc-encoding").map(HeaderValue::as_bytes) {
            None | Some(b"identity" | b"gzip") => Ok(method),
            Some(_) => {
                let mut status = refuse(
                    Reason::UnknownMethod,
                    "the message encoding must be identity or gzip",
                );
                status.metadata_mut().insert(
                    "grpc-accept-encoding",
                    tonic::metadata::MetadataValue::from_static("identity,gzip"),
                );
                Err(status.into())
            }
        }
    }
}

impl Refusal {
    /// The answer.
    pub fn into_response(self) -> Response<Body> {
        let mut response = self.status.into_http::<Body>();
        *response.status_mut() = self.http_status;
        if self.http_status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self {
            http_status: StatusCode::OK,
            status: Box::new(status),
        }
    }
}

fn is_grpc(content_type: Option<&HeaderValue>) -> bool {
    content_type
        .is_some_and(|value| matches!(value.as_bytes(), b"application/grpc" | b"application/grpc+proto"))
}

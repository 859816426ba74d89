//! What every method needs of its call.

use tonic::{Request, Status};

use super::layers::Allowance;
use crate::{
    domain::violation::Violation,
    service::{error::Error, principal::Principal},
};

/// Status that REST answers with instead of 200.
const HTTP_STATUS: &str = "x-http-status";

/// The caller, as the layers found it.
pub fn principal<T>(request: &Request<T>) -> Result<Principal, Status> {
    request
        .extensions()
        .get::<Principal>()
        .cloned()
        .ok_or_else(|| Error::internal("the authentication layer is missing").into())
}

/// Makes a call count as `calls` of its key's rate.
pub fn count_as<T>(request: &Request<T>, caller: &Principal, calls: usize) -> Result<(), Status> {
    match request.extensions().get::<Allowance>() {
        Some(allowance) => Ok(allowance.count_as(caller, calls)?),
        None => Err(Error::internal("the authentication layer is missing").into()),
    }
}

/// The refusal of an input.
pub fn invalid(violations: Vec<Violation>) -> Status {
    Error::invalid(violations).into()
}

/// An answer that REST gives the status 201.
pub fn created<T>(message: T) -> tonic::Response<T> {
    with_status(message, "201")
}

/// An answer that REST gives the status 202: what was asked for is not done everywhere yet.
pub fn accepted<T>(message: T) -> tonic::Response<T> {
    with_status(message, "202")
}

fn with_status<T>(message: T, status: &'static str) -> tonic::Response<T> {
    let mut response = tonic::Response::new(message);
    response
        .metadata_mut()
        .insert(HTTP_STATUS, tonic::metadata::MetadataValue::from_static(status));
    response
}

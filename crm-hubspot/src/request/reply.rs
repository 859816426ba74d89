//! What came of a call.

use std::time::Duration;

use leads_runtime::delivery::CallError;
use leads_runtime::vendor::{TransportError, VendorResponse};
use serde::de::DeserializeOwned;

use crate::api::BatchAnswer;
use crate::errors::Fault;

/// What came of a call.
#[derive(Debug, Clone)]
pub enum Reply<T = BatchAnswer> {
    /// A success with its body.
    Answer(T),
    /// A refusal.
    Refused(Fault),
    /// The call left; what became of it is not known.
    Lost(String),
    /// The call did not leave, since HubSpot could not be reached.
    NotSent(String),
    /// The call did not leave, for lack of time or quota.
    NotStarted,
}

impl Reply<()> {
    /// Understands what a call brought whose success has nothing to say.
    pub fn done(result: Result<VendorResponse, CallError>, retry_after: Option<Duration>) -> Self {
        Self::read(result, retry_after, |_| Some(()))
    }
}

impl<T: DeserializeOwned> Reply<T> {
    /// Understands what a call brought; `retry_after` is the answer's.
    pub fn of(result: Result<VendorResponse, CallError>, retry_after: Option<Duration>) -> Self {
        Self::read(result, retry_after, |response| response.json().ok())
    }
}

impl<T> Reply<T> {
    fn read(
        result: Result<VendorResponse, CallError>,
        retry_after: Option<Duration>,
        body: impl FnOnce(&VendorResponse) -> Option<T>,
    ) -> Self {
        let response = match result {
            Ok(response) => response,
            Err(CallError::Transport(TransportError::NotSent(why))) => return Self::NotSent(why),
            Err(CallError::Transport(error)) => return Self::Lost(error.to_string()),
            Err(CallError::NoQuota(_) | CallError::NoTime) => return Self::NotStarted,
        };
        let status = response.status.as_u16();
        if !response.status.is_success() {
            return Self::Refused(Fault::of_call(status, retry_after, &response.body));
        }
        match body(&response) {
            Some(body) => Self::Answer(body),
            None => Self::Lost(format!(
                "HubSpot answered {status} with a body that cannot be read"
            )),
        }
    }
}

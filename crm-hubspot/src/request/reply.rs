//! What came of a call of HubSpot.

use std::time::Duration;

use leads_runtime::delivery::{self, CallError};
use leads_runtime::vendor::VendorResponse;
use serde::de::DeserializeOwned;

use crate::api::BatchAnswer;
use crate::errors::Fault;

/// What came of a call.
pub type Reply<T = BatchAnswer> = delivery::Reply<T, Fault>;

/// Understands what a call brought; `retry_after` is the answer's.
pub fn read<T: DeserializeOwned>(
    result: Result<VendorResponse, CallError>,
    retry_after: Option<Duration>,
) -> Reply<T> {
    Reply::of(result, refusal(retry_after), |response| response.json().ok())
}

/// Understands what a call brought whose success has nothing to say.
pub fn done(result: Result<VendorResponse, CallError>, retry_after: Option<Duration>) -> Reply<()> {
    Reply::of(result, refusal(retry_after), |_| Some(()))
}

fn refusal(retry_after: Option<Duration>) -> impl FnOnce(&VendorResponse) -> Fault {
    move |response| Fault::of_call(response.status.as_u16(), retry_after, &response.body)
}

//! What came of a vendor call, as far as the delivery is concerned.

use super::layers::CallError;
use crate::vendor::{TransportError, VendorResponse};

/// What came of a call: `T` is what a success says, `F` a refusal that the vendor's connector understands.
#[derive(Debug, Clone)]
pub enum Reply<T, F> {
    /// A success with its body.
    Answer(T),
    /// A refusal.
    Refused(F),
    /// The call left; what became of it is not known.
    Lost(String),
    /// The call did not leave, since the vendor could not be reached.
    NotSent(String),
    /// The call did not leave, for lack of time or quota.
    NotStarted,
}

impl<T, F> Reply<T, F> {
    /// Sorts what a call brought: any status but success is a refusal; a success whose body says nothing is lost.
    pub fn of(
        result: Result<VendorResponse, CallError>,
        refusal: impl FnOnce(&VendorResponse) -> F,
        body: impl FnOnce(&VendorResponse) -> Option<T>,
    ) -> Self {
        let response = match result {
            Ok(response) => response,
            Err(CallError::Transport(TransportError::NotSent(why))) => return Self::NotSent(why),
            Err(CallError::Transport(error)) => return Self::Lost(error.to_string()),
            Err(CallError::NoQuota(_) | CallError::NoTime) => return Self::NotStarted,
        };
        if !response.status.is_success() {
            return Self::Refused(refusal(&response));
        }
        match body(&response) {
            Some(body) => Self::Answer(body),
            None => Self::Lost(format!(
                "the vendor answered {} with a body that cannot be read",
                response.status.as_u16()
            )),
        }
    }
}

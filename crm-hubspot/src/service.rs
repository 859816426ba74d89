//! One call of HubSpot's API: address, credentials and body in, answer out. The runtime's stack below it keeps quota,
//! time and repeats.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, header};
use leads_runtime::clock::Clock;
use leads_runtime::delivery::{CallError, LeaseBudget, VendorCall, VendorCalls};
use leads_runtime::quota::Account;
use leads_runtime::vendor::{TransportError, VendorResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::{Service, ServiceExt};

use crate::api::{Endpoint, Endpoints};
use crate::limits;
use crate::request::{self, Reply};

/// Names of the places where a test can kill the process.
pub const CRASH_POINTS: [&str; 2] = [BEFORE_CALL, AFTER_ANSWER];
const BEFORE_CALL: &str = "hubspot.before_vendor_call";
const AFTER_ANSWER: &str = "hubspot.after_vendor_answer";

/// In whose name, on whose quota and until when calls are made.
#[derive(Clone)]
pub struct Caller {
    /// Bearer token.
    pub token: String,
    /// Whose quota is used.
    pub account: Account,
    /// Until when, and how urgent.
    pub lease: LeaseBudget,
}

/// One call.
#[derive(Debug, Clone)]
pub struct ApiCall {
    /// In whose name.
    pub caller: Caller,
    /// What to call.
    pub endpoint: Endpoint,
    /// JSON; empty for calls without a body.
    pub body: Bytes,
}

/// HubSpot. Clones share limits and connections.
#[derive(Clone)]
pub struct HubspotApi {
    calls: VendorCalls,
    endpoints: Endpoints,
    clock: Clock,
}

impl HubspotApi {
    /// An API at these addresses.
    pub fn new(calls: VendorCalls, endpoints: Endpoints, clock: Clock) -> Self {
        Self {
            calls,
            endpoints,
            clock,
        }
    }

    /// Calls with a body.
    pub async fn send<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        endpoint: Endpoint,
        body: &impl Serialize,
    ) -> Reply<T> {
        match serde_json::to_vec(body) {
            Ok(body) => self.understood(caller, endpoint, body.into()).await,
            Err(error) => Reply::NotSent(error.to_string()),
        }
    }

    /// Calls without a body.
    pub async fn get<T: DeserializeOwned>(&self, caller: &Caller, endpoint: Endpoint) -> Reply<T> {
        self.understood(caller, endpoint, Bytes::new()).await
    }

    /// Calls with a body for an effect: an answer says nothing but whether it took place.
    pub async fn order(&self, caller: &Caller, endpoint: Endpoint, body: &impl Serialize) -> Reply<()> {
        let body = match serde_json::to_vec(body) {
            Ok(body) => body.into(),
            Err(error) => return Reply::NotSent(error.to_string()),
        };
        let answer = self.answer(caller, endpoint, body).await;
        let pause = self.pause(&answer);
        request::done(answer, pause)
    }

    /// Calls without a body, and keeps what the headers say about limits.
    pub async fn get_with_limits<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        endpoint: Endpoint,
    ) -> (Reply<T>, limits::Seen) {
        let answer = self.answer(caller, endpoint, Bytes::new()).await;
        let seen = answer
            .as_ref()
            .map(|response| limits::Seen::read(&response.headers))
            .unwrap_or_default();
        (self.understand(answer), seen)
    }

    async fn understood<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        endpoint: Endpoint,
        body: Bytes,
    ) -> Reply<T> {
        self.understand(self.answer(caller, endpoint, body).await)
    }

    fn understand<T: DeserializeOwned>(&self, answer: Result<VendorResponse, CallError>) -> Reply<T> {
        let pause = self.pause(&answer);
        request::read(answer, pause)
    }

    fn pause(&self, answer: &Result<VendorResponse, CallError>) -> Option<Duration> {
        let response = answer.as_ref().ok()?;
        limits::wanted_pause(response, self.clock.now())
    }

    async fn answer(
        &self,
        caller: &Caller,
        endpoint: Endpoint,
        body: Bytes,
    ) -> Result<VendorResponse, CallError> {
        self.clone()
            .oneshot(ApiCall {
                caller: caller.clone(),
                endpoint,
                body,
            })
            .await
    }

    fn request(&self, call: &ApiCall) -> Result<Request<Bytes>, http::Error> {
        let mut token = HeaderValue::try_from(format!("Bearer {}", call.caller.token))?;
        token.set_sensitive(true);
        let mut request = Request::builder()
            .method(call.endpoint.method())
            .uri(self.endpoints.url(call.endpoint))
            .header(header::AUTHORIZATION, token)
            .header(header::ACCEPT, "application/json");
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(call.body.clone())
    }
}

impl Service<ApiCall> for HubspotApi {
    type Response = VendorResponse;
    type Error = CallError;
    type Future = BoxFuture<'static, Result<VendorResponse, CallError>>;

    /// Always ready: the stack below takes a call's place and its quota.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ApiCall) -> Self::Future {
        let request = self.request(&call);
        let calls = self.calls.clone();
        async move {
            let request = request.map_err(|error| TransportError::NotSent(error.to_string()))?;
            leads_runtime::crash_point!(BEFORE_CALL);
            let Caller { account, lease, .. } = call.caller;
            let answer = calls
                .call(VendorCall {
                    account,
                    lease,
                    request,
                })
                .await;
            leads_runtime::crash_point!(AFTER_ANSWER);
            let status = answer
                .as_ref()
                .map(|response| response.status.as_u16())
                .unwrap_or_default();
            tracing::debug!(endpoint = call.endpoint.name(), status, "hubspot was called");
            answer
        }
        .boxed()
    }
}

/// Shows no token.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("account", &self.account)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

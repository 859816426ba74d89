//! The rules of a call in their order: transport, deadline, authentication, scope, then the body and the method.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use opentelemetry::metrics::Meter;
use prost_reflect::DescriptorError;
use tokio::sync::Semaphore;
use tonic::{Status, body::Body};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

use super::{
    auth::{self, Allowance},
    budget, deadline,
    head::{Method, Methods, Refusal},
    limits::Limits,
    meters::Meters,
    seats::Seats,
};
use crate::{
    grpc::{scopes::Access, status},
    service::{auth::Auth, error::Error},
};

/// A service for calls, whatever layers it is made of.
pub type Calls = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The rules that a door applies to calls. Clones share the count of calls at work.
#[derive(Clone)]
pub struct Stack {
    methods: Arc<Methods>,
    auth: Auth,
    limits: Arc<Limits>,
    places: Arc<Semaphore>,
    open_places: Arc<Semaphore>,
    key_places: Seats<String>,
    bytes: Arc<Semaphore>,
    meters: Meters,
}

impl Stack {
    /// Rules for the methods of one protobuf package, such as `leads.v1`.
    ///
    /// # Errors
    /// The contract's description cannot be read.
    pub fn new(package: &str, auth: Auth, limits: Limits, meter: &Meter) -> Result<Self, DescriptorError> {
        Ok(Self {
            methods: Arc::new(Methods::of(package)?),
            auth,
            places: Arc::new(Semaphore::new(limits.calls)),
            open_places: Arc::new(Semaphore::new(limits.open_calls)),
            key_places: Seats::new(limits.calls, limits.calls_per_key),
            bytes: Arc::new(Semaphore::new(limits.body_bytes)),
            meters: Meters::new(meter),
            limits: Arc::new(limits),
        })
    }

    /// Puts the rules in front of `inner`, which gets the [`Principal`](crate::service::principal::Principal) and the
    /// [`Deadline`](super::Deadline) as extensions, and whose future is dropped when the deadline passes or the
    /// caller goes away.
    pub fn around(self, inner: Calls) -> Calls {
        Calls::new(service_fn(move |request: Request<Body>| {
            let (stack, inner) = (self.clone(), inner.clone());
            async move { Ok(stack.answer(inner, request).await) }
        }))
    }

    async fn answer(&self, inner: Calls, request: Request<Body>) -> Response<Body> {
        let start = Instant::now();
        let path = self.methods.path(&request);
        let mut allowance = None;
        let called = AssertUnwindSafe(self.call(inner, request, &mut allowance))
            .catch_unwind()
            .await;
        let mut response = match called {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => refusal.into_response(),
            // The panic hook has logged where and why.
            Err(_) => Refusal::from(Status::from(Error::internal("a handler panicked"))).into_response(),
        };
        if let Some(allowance) = allowance {
            auth::tell_rate(response.headers_mut(), &allowance.state());
        }
        let response = complete(response);
        self.meters.note(path, response.headers(), start.elapsed());
        response
    }

    async fn call(
        &self,
        inner: Calls,
        mut request: Request<Body>,
        allowance: &mut Option<Allowance>,
    ) -> Result<Response<Body>, Refusal> {
        let method = self.methods.of_request(&request)?;
        tracing::Span::current().record("otel.name", method.path.trim_start_matches('/'));
        let deadline = deadline::read(request.headers(), &self.limits)?;
        request.extensions_mut().insert(deadline);
        request.extensions_mut().insert(method);
        tokio::time::timeout_at(deadline.0, self.admitted(inner, request, method, allowance))
            .await
            .unwrap_or_else(|_| Err(deadline::exceeded().into()))
    }

    async fn admitted(
        &self,
        inner: Calls,
        mut request: Request<Body>,
        method: Method,
        allowance: &mut Option<Allowance>,
    ) -> Result<Response<Body>, Refusal> {
        let places = if method.access == Access::Open {
            &self.open_places
        } else {
            &self.places
        };
        let _place = places.try_acquire().map_err(|_| budget::overloaded())?;
        let _key_place = match method.access {
            Access::Open => None,
            Access::Scoped(scope) => {
                let (headers, extensions) = (request.headers(), request.extensions());
                let principal = auth::admit(&self.auth, headers, extensions, scope, allowance).await?;
                let place = self
                    .key_places
                    .take(principal.key_id().to_owned())
                    .ok_or_else(budget::overloaded)?;
                request.extensions_mut().insert(principal);
                if let Some(allowance) = allowance {
                    request.extensions_mut().insert(allowance.clone());
                }
                Some(place)
            }
        };
        let (parts, body) = request.into_parts();
        let (body, _share) = budget::metered(body, &self.bytes);
        let Ok(response) = inner.oneshot(Request::from_parts(parts, body)).await;
        Ok(response)
    }
}

/// Gives a status that tonic made, in the head or in the trailers, a reason of ours.
fn complete(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    status::complete(&mut parts.headers);
    if parts.headers.contains_key(Status::GRPC_STATUS) {
        return Response::from_parts(parts, body);
    }
    let body = body.map_frame(|frame| match frame.into_trailers() {
        Ok(mut trailers) => {
            status::complete(&mut trailers);
            http_body::Frame::trailers(trailers)
        }
        Err(frame) => frame,
    });
    Response::from_parts(parts, Body::new(body))
}

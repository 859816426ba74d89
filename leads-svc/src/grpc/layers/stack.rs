//! The rules of a call in their order: transport, deadline, authentication, scope, then the body and the method.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use opentelemetry::metrics::Meter;
use prost_reflect::DescriptorError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Status, body::Body};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

use super::{
    auth::{self, Allowance},
    budget,
    deadline::{self, Deadline},
    head::{Method, Methods, Refusal},
    limits::Limits,
    meters::Meters,
    seats::Seats,
    unread::{Held, Places},
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
    stream_places: Arc<Semaphore>,
    key_places: Seats<String>,
    bytes: Arc<Semaphore>,
    answer_bytes: Arc<Semaphore>,
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
            stream_places: Arc::new(Semaphore::new(limits.open_streams)),
            answer_bytes: Arc::new(Semaphore::new(limits.answer_bytes)),
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
            // The panic hook has logged where.
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
        let admitted = self.admitted(inner, request, method, deadline, allowance);
        tokio::time::timeout_at(deadline.0, admitted)
            .await
            .unwrap_or_else(|_| Err(deadline::exceeded().into()))
    }

    async fn admitted(
        &self,
        inner: Calls,
        mut request: Request<Body>,
        method: Method,
        deadline: Deadline,
        allowance: &mut Option<Allowance>,
    ) -> Result<Response<Body>, Refusal> {
        let places = match method.access {
            Access::Open if method.unary_answer => &self.open_places,
            Access::Open => &self.stream_places,
            Access::Scoped(_) => &self.places,
        };
        let call = take(places, 1)?;
        let key = match method.access {
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
        let Ok(mut response) = inner.oneshot(Request::from_parts(parts, body)).await;
        if !method.unary_answer {
            let held = Places {
                call,
                key,
                bytes: None,
                until: None,
            };
            response.extensions_mut().insert(Held::new(held));
            return Ok(response);
        }
        let (mut response, size) = whole(response).await?;
        if size == 0 {
            return Ok(response);
        }
        let bytes = Some(take(&self.answer_bytes, size)?);
        let until = Some(deadline.0.max(tokio::time::Instant::now() + self.limits.reading));
        response.extensions_mut().insert(Held::new(Places {
            call,
            key,
            bytes,
            until,
        }));
        Ok(response)
    }
}

fn take(places: &Arc<Semaphore>, count: u64) -> Result<OwnedSemaphorePermit, Status> {
    let count = u32::try_from(count).map_err(|_| budget::overloaded())?;
    let taken = places.clone().try_acquire_many_owned(count);
    taken.map_err(|_| budget::overloaded())
}

/// An answer of one message, which is all there by now, and its size.
async fn whole(response: Response<Body>) -> Result<(Response<Body>, u64), Status> {
    let (parts, body) = response.into_parts();
    let answer = body.collect().await?;
    let trailers = answer.trailers().cloned().map(Ok);
    let data = answer.to_bytes();
    let size = data.len() as u64;
    let body = if size == 0 && trailers.is_none() {
        Body::empty()
    } else {
        Body::new(Full::new(data).with_trailers(std::future::ready(trailers)))
    };
    Ok((Response::from_parts(parts, body), size))
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

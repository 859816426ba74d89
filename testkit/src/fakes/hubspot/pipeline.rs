//! The way of one vendor request: stamp, credential, limits, script, handler, log, answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use rand::RngExt;

use super::errors::Refusal;
use super::exchange::{Exchange, bare, bearer, inputs_of, masked, unacceptable};
use super::fault::{Answer, Apply, FaultId};
use super::fault_answers::{Sent, status_of};
use super::faults::Plan;
use super::log::{RequestEntry, Row};
use super::portal::Call;
use super::reply::Reply;
use super::route::{Route, Target};
use super::simulation::{Simulation, lock, read};

/// Larger request bodies are refused with 413.
const BODY_MAX: usize = 8 << 20;

impl Simulation {
    /// Answers one request; none means that the connection is to be closed.
    pub(super) async fn respond(self: &Arc<Self>, request: Request) -> Option<Response> {
        let (at_ms, started) = (self.clock.now_ms(), Instant::now());
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, BODY_MAX).await else {
            return bare(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let target = Target::parse(parts.method.as_str(), parts.uri.path());
        let query = Query::try_from_uri(&parts.uri)
            .map(|Query(pairs)| pairs)
            .unwrap_or_default();
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let mut exchange = Exchange {
            grant: bearer(&parts.headers).and_then(|token| read(&self.tokens).get(token).cloned()),
            standing: None,
            started,
            method: parts.method.to_string(),
            path: masked(parts.uri.path(), target.route),
            traceparent: text("traceparent").map(str::to_owned),
            unacceptable: unacceptable(&parts.headers, target.route),
            call: Call {
                target,
                query,
                body,
                at_ms,
                seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            },
        };
        if let Some(refusal) = self.count(&mut exchange) {
            let reply = self.refuse(&exchange, refusal);
            self.log(&exchange, reply.status, &reply.rows, None, 0);
            return Some(exchange.response(reply));
        }
        let route = exchange.call.target.route;
        let portal = exchange.grant.as_ref().map(|grant| grant.portal.id);
        let plan = lock(&self.faults).plan(portal, route);
        let Some(plan) = plan else {
            let reply = self.apply(&exchange);
            self.log(&exchange, reply.status, &reply.rows, None, 1);
            return Some(exchange.response(reply));
        };
        // A task of its own: what a request has begun does not depend on its client's patience.
        let simulation = Arc::clone(self);
        let scripted = self
            .tasks
            .spawn(async move { simulation.scripted(Arc::new(exchange), plan).await });
        match scripted.await {
            Ok(Sent::Response(response)) => Some(*response),
            Ok(Sent::Hang) => {
                self.stop.cancelled().await;
                None
            }
            Ok(Sent::Cut) | Err(_) => None,
        }
    }

    /// Counts the call against its token's limits.
    fn count(&self, exchange: &mut Exchange) -> Option<Refusal> {
        let grant = exchange.grant.as_ref()?;
        let at_ms = exchange.call.at_ms;
        let limits = &mut lock(&grant.portal.state).limits;
        let verdict = if exchange.call.target.route == Route::Search {
            limits.take_search(at_ms)
        } else {
            let (standing, verdict) = limits.take(&grant.app, grant.oauth, at_ms, self.clock.day(at_ms));
            exchange.standing = Some(standing);
            verdict
        };
        verdict.err().map(Refusal::RateLimited)
    }

    fn refuse(&self, exchange: &Exchange, refusal: Refusal) -> Reply {
        match &exchange.grant {
            Some(grant) => lock(&grant.portal.state).refuse(refusal),
            None => refusal.into_reply(
                &uuid::Builder::from_random_bytes(lock(&self.rng).random())
                    .into_uuid()
                    .to_string(),
            ),
        }
    }

    /// Carries the request out.
    fn apply(&self, exchange: &Exchange) -> Reply {
        let Some(grant) = &exchange.grant else {
            return self.refuse(exchange, Refusal::Unauthenticated);
        };
        let mut state = lock(&grant.portal.state);
        if let Some(refusal) = &exchange.unacceptable {
            return state.refuse(refusal.clone());
        }
        let reply = state.answer(&exchange.call, &grant.scopes);
        let erased = std::mem::take(&mut state.erased);
        drop(state);
        if !erased.is_empty() {
            lock(&self.log).forget(grant.portal.id, &erased);
        }
        reply
    }

    async fn scripted(self: Arc<Self>, exchange: Arc<Exchange>, plan: Plan) -> Sent {
        let jitter = if plan.jitter_ms == 0 {
            0
        } else {
            lock(&self.rng).random_range(0..=plan.jitter_ms)
        };
        let latency = Duration::from_millis(plan.latency_ms + jitter);
        tokio::select! {
            () = tokio::time::sleep(latency) => {}
            () = self.stop.cancelled() => return Sent::Cut,
        }
        let (reply, applied) = match plan.apply {
            Apply::Skip | Apply::LateMs(_) => (None, 0),
            Apply::Once => (Some(self.apply(&exchange)), 1),
            Apply::Twice => {
                self.apply(&exchange);
                (Some(self.apply(&exchange)), 2)
            }
        };
        let rows = reply.as_ref().map(|reply| reply.rows.clone()).unwrap_or_default();
        let status = status_of(&plan.answer, reply.as_ref());
        self.log(&exchange, status, &rows, plan.fault, applied);
        if let Apply::LateMs(delay) = plan.apply {
            let (simulation, exchange) = (Arc::clone(&self), Arc::clone(&exchange));
            self.tasks
                .spawn(async move { simulation.apply_late(&exchange, delay).await });
        }
        match (plan.answer, reply) {
            (Answer::Real, Some(reply)) => Sent::Response(Box::new(exchange.response(reply))),
            (answer, reply) => {
                let correlation = uuid::Builder::from_random_bytes(lock(&self.rng).random())
                    .into_uuid()
                    .to_string();
                answer.send(reply, &correlation)
            }
        }
    }

    async fn apply_late(&self, exchange: &Exchange, delay_ms: u64) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(delay_ms)) => {
                let reply = self.apply(exchange);
                lock(&self.log).amend(exchange.call.seq, reply.rows);
            }
            () = self.stop.cancelled() => {}
        }
    }

    fn log(&self, exchange: &Exchange, status: u16, rows: &[Row], fault: Option<FaultId>, applied: u8) {
        let entry = RequestEntry {
            seq: exchange.call.seq,
            at_ms: exchange.call.at_ms,
            took_us: u64::try_from(exchange.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            portal: exchange.grant.as_ref().map(|grant| grant.portal.id),
            app: exchange.grant.as_ref().map(|grant| grant.app.clone()),
            method: exchange.method.clone(),
            route: exchange.call.target.route,
            path: exchange.path.clone(),
            status,
            inputs: if rows.is_empty() {
                inputs_of(&exchange.call)
            } else {
                rows.len()
            },
            traceparent: exchange.traceparent.clone(),
            fault,
            rows: rows.to_vec(),
            applied,
        };
        lock(&self.log).push(entry);
    }
}

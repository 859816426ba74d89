//! The way of one request: stamp, script, count, credential, org, log, answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::collections::{By, Done, Scripted, Wanted};
use super::errors::{Refusal, RowError};
use super::fault::{Answer, Apply, Fault, FaultId};
use super::log::{RequestEntry, Row};
use super::org::Write;
use super::route::{Route, Target};
use super::schema;
use super::simulation::{Simulation, lock, unix_time};
use crate::faults::tally;

/// Larger request bodies are refused.
const BODY_MAX: usize = 8 << 20;

/// A request that has arrived.
struct Call {
    parts: Parts,
    body: Bytes,
    target: Target,
    query: BTreeMap<String, String>,
    seq: u64,
    at_ms: u64,
}

/// What a request led to.
struct Reply {
    status: u16,
    body: Value,
    rows: Vec<Row>,
    client_id: Option<String>,
}

impl Reply {
    fn refused(refusal: &Refusal, client_id: Option<String>) -> Self {
        Self {
            status: refusal.status,
            body: refusal.body(),
            rows: Vec::new(),
            client_id,
        }
    }
}

impl Call {
    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}

impl Simulation {
    /// Answers one request; none means that the connection is to be closed.
    pub(super) async fn respond(self: &Arc<Self>, request: Request) -> Option<Response> {
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, BODY_MAX).await else {
            return Some(self.response(413, Body::empty(), "text/plain", false));
        };
        let call = Call {
            target: Target::parse(parts.method.as_str(), parts.uri.path()),
            query: Query::try_from_uri(&parts.uri)
                .map(|Query(pairs)| pairs)
                .unwrap_or_default(),
            parts,
            body,
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            at_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let met = lock(&self.script).meet(call.target.route);
        // A task of its own: what a request has begun does not depend on its client's patience.
        let simulation = Arc::clone(self);
        let task = self
            .tasks
            .spawn(async move { simulation.carry_out(Arc::new(call), met).await });
        task.await.ok().flatten()
    }

    async fn carry_out(self: Arc<Self>, call: Arc<Call>, met: Option<(FaultId, Fault)>) -> Option<Response> {
        let (id, fault) = met.unzip();
        let fault = fault.unwrap_or_default();
        if id.is_some() {
            tally::note("faults of Salesforce");
        }
        if fault.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(fault.latency_ms)).await;
        }
        let mut applied = 0;
        let mut reply = None;
        match fault.effect() {
            Apply::Skip => {}
            Apply::LateMs(after) => {
                let (simulation, call, answer) = (Arc::clone(&self), Arc::clone(&call), fault.answer.clone());
                self.tasks.spawn(async move {
                    tokio::select! {
                        () = simulation.stop.cancelled() => {}
                        () = tokio::time::sleep(Duration::from_millis(after)) => {
                            let reply = simulation.apply(&call, &answer);
                            lock(&simulation.log).amend(call.seq, reply.rows);
                        }
                    }
                });
            }
            once_or_twice => {
                applied = 1 + u8::from(once_or_twice == Apply::Twice);
                for _ in 0..applied {
                    reply = Some(self.apply(&call, &fault.answer));
                }
            }
        }
        let status = match (&fault.answer, &reply) {
            (Answer::Hang | Answer::Cut, _) => 0,
            (Answer::Status { status, .. } | Answer::Html(status), _) => *status,
            (Answer::DailyLimit | Answer::ConcurrentLimit, _) => 403,
            (Answer::InvalidSession, _) => 401,
            (_, Some(reply)) => reply.status,
            (_, None) => 200,
        };
        lock(&self.log).push(RequestEntry {
            seq: call.seq,
            at_ms: call.at_ms,
            client_id: reply.as_ref().and_then(|reply| reply.client_id.clone()),
            method: call.parts.method.to_string(),
            route: call.target.route,
            status,
            traceparent: call.header("traceparent").map(str::to_owned),
            auto_assign: call.header("sforce-auto-assign").map(str::to_owned),
            fault: id,
            rows: reply.as_ref().map(|reply| reply.rows.clone()).unwrap_or_default(),
            applied,
        });
        self.answer(&call, fault.answer, status, reply.map(|reply| reply.body))
            .await
    }

    /// What the client sees.
    async fn answer(
        &self,
        call: &Call,
        answer: Answer,
        status: u16,
        body: Option<Value>,
    ) -> Option<Response> {
        const JSON: &str = "application/json;charset=UTF-8";
        let counted = call.target.route != Route::Versions && call.target.route != Route::Token;
        let refused = |refusal: Refusal| Some(refusal.body().to_string());
        let body = body.unwrap_or(Value::Null);
        let (text, kind) = match answer {
            Answer::Cut => return None,
            Answer::Hang => {
                self.stop.cancelled().await;
                return None;
            }
            Answer::Html(_) => (
                Some("<html><body>We are down for maintenance.</body></html>".to_owned()),
                "text/html",
            ),
            Answer::Status { body, .. } => {
                let (code, text) = match status {
                    401 => ("INVALID_SESSION_ID", "Session expired or invalid"),
                    403 => ("INSUFFICIENT_ACCESS", "insufficient access rights"),
                    404 => ("NOT_FOUND", "The requested resource does not exist"),
                    503 => ("SERVER_UNAVAILABLE", "Server too busy"),
                    _ => ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
                };
                (body.or_else(|| refused(Refusal::new(status, code, text))), JSON)
            }
            Answer::DailyLimit => (refused(Refusal::daily_limit()), JSON),
            Answer::ConcurrentLimit => (refused(Refusal::concurrent_limit()), JSON),
            Answer::InvalidSession => (refused(Refusal::session()), JSON),
            Answer::GarbageJson => (Some("{\"records\": [".to_owned()), JSON),
            Answer::MissingRows => {
                let mut body = body;
                if let Some(rows) = body.as_array_mut() {
                    rows.pop();
                }
                (Some(body.to_string()), JSON)
            }
            Answer::Real | Answer::Rows { .. } => {
                let text = (status != 204 && !body.is_null()).then(|| body.to_string());
                (text, JSON)
            }
        };
        Some(self.response(status, Body::from(text.unwrap_or_default()), kind, counted))
    }

    fn response(&self, status: u16, body: Body, kind: &'static str, counted: bool) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let usage = format!(
            "api-usage={}/{}",
            self.used(),
            self.daily_limit.load(Ordering::Relaxed)
        );
        if let (true, Ok(usage)) = (counted, HeaderValue::try_from(usage)) {
            headers.insert("sforce-limit-info", usage);
        }
        response
    }

    /// Carries a request out.
    fn apply(&self, call: &Call, answer: &Answer) -> Reply {
        match call.target.route {
            Route::Token => return self.grant(call),
            Route::Versions => {
                let of = |version: &String| json!({"label": version, "version": version, "url": format!("/services/data/v{version}")});
                return Reply {
                    status: 200,
                    body: self.versions.iter().map(of).collect(),
                    rows: Vec::new(),
                    client_id: None,
                };
            }
            _ => {}
        }
        let token = call
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        let holder = token.and_then(|token| lock(&self.tokens).holder(token).map(str::to_owned));
        let Some(client_id) = holder else {
            return Reply::refused(&Refusal::session(), None);
        };
        let used = self.used.fetch_add(1, Ordering::Relaxed) + 1;
        if used > self.daily_limit.load(Ordering::Relaxed) {
            self.used.fetch_sub(1, Ordering::Relaxed);
            return Reply::refused(&Refusal::daily_limit(), Some(client_id));
        }
        match self.on_org(call, answer) {
            Ok((status, done)) => Reply {
                status,
                body: done.body,
                rows: done.rows,
                client_id: Some(client_id),
            },
            Err(refusal) => Reply::refused(&refusal, Some(client_id)),
        }
    }

    fn grant(&self, call: &Call) -> Reply {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        let base_url = call
            .header("host")
            .map(|host| format!("http://{host}"))
            .unwrap_or_default();
        let answer = lock(&self.tokens).grant(&form, &base_url, unix_time());
        Reply {
            status: answer.status,
            body: answer.body,
            rows: Vec::new(),
            client_id: answer.client_id,
        }
    }

    fn on_org(&self, call: &Call, answer: &Answer) -> Result<(u16, Done), Refusal> {
        let target = &call.target;
        let version = target.version.as_deref().unwrap_or_default();
        if !self.versions.iter().any(|known| known == version) {
            return Err(Refusal::not_found());
        }
        if !target.object.is_empty() && !target.object.eq_ignore_ascii_case("Lead") {
            return Err(Refusal::not_found());
        }
        let is_false = |value: &str| value.eq_ignore_ascii_case("false");
        let write = Write {
            seq: call.seq,
            assigns: !call.header("sforce-auto-assign").is_some_and(is_false),
            saves_duplicates: call
                .header("sforce-duplicate-rule-header")
                .is_some_and(|value| value.replace(' ', "").to_lowercase().contains("allowsave=true")),
        };
        let (error, keys) = match answer {
            Answer::Rows {
                code,
                message,
                fields,
                keys,
            } => {
                let error = RowError {
                    code: code.clone(),
                    message: message.clone(),
                    fields: fields.clone(),
                };
                (Some(error), keys.as_slice())
            }
            _ => (None, &[][..]),
        };
        let scripted = Scripted {
            error: error.as_ref(),
            keys,
        };
        let mut org = lock(&self.org);
        let plain = |body: Value| Done {
            body,
            rows: Vec::new(),
        };
        let listed = |name: &str| -> Vec<String> {
            let text = call.query.get(name).map(String::as_str).unwrap_or_default();
            text.split(',')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let done = match target.route {
            Route::Upsert => org.write(&call.body, By::Field(&target.name), write, &scripted)?,
            Route::Create => org.write(&call.body, By::Nothing, write, &scripted)?,
            Route::Update => org.write(&call.body, By::Id, write, &scripted)?,
            Route::Delete => org.delete_all(&listed("ids"), &scripted)?,
            Route::Retrieve => {
                let wanted = match call.body.is_empty() {
                    true => Wanted {
                        ids: listed("ids"),
                        fields: listed("fields"),
                    },
                    false => serde_json::from_slice(&call.body)
                        .map_err(|problem| Refusal::malformed(problem.to_string()))?,
                };
                org.retrieve(&wanted, version)?
            }
            Route::Describe => plain(schema::describe(&org.fields)),
            Route::Query | Route::QueryAll if !target.name.is_empty() => {
                plain(lock(&self.cursors).next(&target.name, version)?)
            }
            Route::Query | Route::QueryAll => {
                let text = call.query.get("q").map(String::as_str).unwrap_or_default();
                let found = org.select(text, target.route == Route::QueryAll, version)?;
                plain(lock(&self.cursors).page(found, version))
            }
            Route::Limits => {
                let max = self.daily_limit.load(Ordering::Relaxed);
                let remaining = max.saturating_sub(self.used());
                plain(json!({"DailyApiRequests": {"Max": max, "Remaining": remaining}}))
            }
            Route::Record => return self.on_record(call, &mut org, write),
            Route::Token | Route::Versions | Route::Unknown => return Err(Refusal::not_found()),
        };
        Ok((200, done))
    }

    /// One record by its id, for callers that are not ours.
    fn on_record(
        &self,
        call: &Call,
        org: &mut super::org::Org,
        write: Write,
    ) -> Result<(u16, Done), Refusal> {
        let (method, id) = (call.parts.method.as_str(), call.target.name.as_str());
        let read =
            || serde_json::from_slice(&call.body).map_err(|problem| Refusal::malformed(problem.to_string()));
        let plain = |body: Value| Done {
            body,
            rows: Vec::new(),
        };
        let result = match (method, id.is_empty()) {
            ("POST", true) => org
                .create(&read()?, write)
                .map(|id| (201, plain(json!({"id": id, "success": true, "errors": []})))),
            ("PATCH", false) => org
                .update(id, &read()?, write)
                .map(|()| (204, plain(Value::Null))),
            ("DELETE", false) => org.delete(id).map(|()| (204, plain(Value::Null))),
            ("GET", false) => match org.leads.get(id).filter(|lead| !lead.is_deleted) {
                Some(lead) => {
                    let version = call.target.version.as_deref().unwrap_or_default();
                    let fields: Vec<String> = org.fields.iter().map(|field| field.name.clone()).collect();
                    Ok((200, plain(lead.show(version, &fields))))
                }
                None => return Err(Refusal::not_found()),
            },
            _ => return Err(Refusal::new(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed")),
        };
        Ok(result.unwrap_or_else(|error| {
            let status = if error.code == "ENTITY_IS_DELETED" {
                404
            } else {
                400
            };
            (status, plain(error.body()))
        }))
    }
}

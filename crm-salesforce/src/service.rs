//! One call of Salesforce's API: address, session and body in, answer out. A session that has ended is renewed once, and
//! the call made once more. The runtime's stack below keeps quota, time and repeats.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, header};
use leads_runtime::delivery::connector::Task;
use leads_runtime::delivery::{CallError, Connection, LeaseBudget, Outcome, VendorCall, VendorCalls};
use leads_runtime::quota::Account;
use leads_runtime::vendor::{TransportError, VendorResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::{Service, ServiceExt};

use crate::api::{Resource, Rules};
use crate::errors::{Fault, Kind};
use crate::limits::Usage;
use crate::map::KEY_FIELD;
use crate::session::{AFTER_REFRESH, Session, Sessions};

/// Names of the places where a test can kill the process.
pub const CRASH_POINTS: [&str; 3] = [BEFORE_CALL, AFTER_ANSWER, AFTER_REFRESH];
const BEFORE_CALL: &str = "salesforce.before_vendor_call";
const AFTER_ANSWER: &str = "salesforce.after_vendor_answer";

/// What came of a call.
pub type Reply<T> = leads_runtime::delivery::Reply<T, Fault>;

/// In whose name, on whose quota and until when calls are made.
#[derive(Debug)]
pub struct Caller<'a> {
    connection: &'a Connection,
    session: Session,
    account: Account,
    /// Until when, and how urgent.
    pub lease: LeaseBudget,
    /// Calls of the day, as the last answer counted them.
    pub usage: Option<Usage>,
    /// Whether a session that has ended can be renewed: those of a check are new.
    renews: bool,
}

/// One call.
#[derive(Debug, Clone)]
pub struct ApiCall {
    session: Session,
    account: Account,
    lease: LeaseBudget,
    resource: Resource,
    /// JSON; empty for calls without a body.
    body: Bytes,
}

/// Salesforce. Clones share limits, connections and sessions.
#[derive(Clone)]
pub struct SalesforceApi {
    calls: VendorCalls,
    sessions: Sessions,
    rules: Rules,
}

impl SalesforceApi {
    /// An API within these rules.
    pub fn new(calls: VendorCalls, sessions: Sessions, rules: Rules) -> Self {
        Self {
            calls,
            sessions,
            rules,
        }
    }

    /// Where calls may go.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Somebody who calls in a connection's name.
    ///
    /// # Errors
    /// What becomes of the leads: there is no session.
    pub async fn caller<'a>(
        &self,
        connection: &'a Connection,
        lease: LeaseBudget,
    ) -> Result<Caller<'a>, Outcome> {
        let session = self.sessions.open(connection, &lease).await?;
        Ok(Caller {
            session,
            account: connection.account(self.rules.limits()),
            connection,
            lease,
            usage: None,
            renews: true,
        })
    }

    /// Somebody who calls with credentials that a task checks, and the org that they open.
    ///
    /// # Errors
    /// What becomes of the task: they open none.
    pub async fn checker<'a>(
        &self,
        connection: &'a Connection,
        task: &Task,
        lease: LeaseBudget,
    ) -> Result<(Caller<'a>, String), Outcome> {
        let (session, org) = self.sessions.check(connection, task, &lease).await?;
        let caller = Caller {
            session,
            account: connection.account(self.rules.limits()),
            connection,
            lease,
            usage: None,
            renews: false,
        };
        Ok((caller, org))
    }

    /// Calls with a body.
    pub async fn send<T: DeserializeOwned>(
        &self,
        caller: &mut Caller<'_>,
        resource: Resource,
        body: &impl Serialize,
    ) -> Reply<T> {
        match serde_json::to_vec(body) {
            Ok(body) => self.call(caller, resource, body.into()).await,
            Err(error) => Reply::NotSent(error.to_string()),
        }
    }

    /// Calls without a body.
    pub async fn get<T: DeserializeOwned>(&self, caller: &mut Caller<'_>, resource: Resource) -> Reply<T> {
        self.call(caller, resource, Bytes::new()).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        caller: &mut Caller<'_>,
        resource: Resource,
        body: Bytes,
    ) -> Reply<T> {
        let reply = self.once(caller, &resource, &body).await;
        match reply {
            Reply::Refused(fault) if fault.kind == Kind::Session && caller.renews => {
                // Once for a batch: a new session that is refused as well is no matter of time.
                caller.renews = false;
                let renewed = self
                    .sessions
                    .renew(caller.connection, &caller.session, &caller.lease)
                    .await;
                match renewed {
                    Ok(session) => {
                        caller.session = session;
                        self.once(caller, &resource, &body).await
                    }
                    Err(Outcome::NotStarted) => Reply::NotStarted,
                    Err(Outcome::Paused { reason, .. }) => Reply::Refused(Fault {
                        message: reason.message,
                        ..fault
                    }),
                    Err(Outcome::Retry { message, .. }) => Reply::NotSent(message),
                    Err(_) => Reply::Refused(fault),
                }
            }
            reply => reply,
        }
    }

    async fn once<T: DeserializeOwned>(
        &self,
        caller: &mut Caller<'_>,
        resource: &Resource,
        body: &Bytes,
    ) -> Reply<T> {
        let call = ApiCall {
            session: caller.session.clone(),
            account: caller.account.clone(),
            lease: caller.lease.clone(),
            resource: resource.clone(),
            body: body.clone(),
        };
        let result = self.clone().oneshot(call).await;
        if let Ok(response) = &result {
            caller.usage = Usage::read(&response.headers).or(caller.usage);
        }
        let refusal = |response: &VendorResponse| Fault::of_call(response.status.as_u16(), &response.body);
        Reply::of(result, refusal, |response| response.json().ok())
    }

    fn request(&self, call: &ApiCall) -> Result<Request<Bytes>, TransportError> {
        let not_sent = |error: &dyn std::fmt::Display| TransportError::NotSent(error.to_string());
        let session = &call.session;
        if !self.rules.allow(&session.instance_url) {
            return Err(not_sent(&"the instance address is none of Salesforce's"));
        }
        let mut token = HeaderValue::try_from(format!("Bearer {}", session.access_token))
            .map_err(|error| not_sent(&error))?;
        token.set_sensitive(true);
        let url = call
            .resource
            .url(&session.instance_url, &self.rules.api_version, KEY_FIELD);
        let mut request = Request::builder()
            .method(call.resource.method())
            .uri(url)
            .header(header::AUTHORIZATION, token)
            .header(header::ACCEPT, "application/json")
            // Without it the org's assignment rules run at every write, and may give the lead to somebody else.
            .header("sforce-auto-assign", "FALSE")
            // Rules that only warn warn people; those that block still do.
            .header("sforce-duplicate-rule-header", "allowSave=true");
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(call.body.clone()).map_err(|error| not_sent(&error))
    }
}

impl Caller<'_> {
    /// Where its session is: scheme and host.
    pub fn instance_url(&self) -> &str {
        &self.session.instance_url
    }
}

impl Service<ApiCall> for SalesforceApi {
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
            let request = request?;
            leads_runtime::crash_point!(BEFORE_CALL);
            let answer = calls
                .call(VendorCall {
                    account: call.account,
                    lease: call.lease,
                    request,
                })
                .await;
            leads_runtime::crash_point!(AFTER_ANSWER);
            let status = answer
                .as_ref()
                .map(|response| response.status.as_u16())
                .unwrap_or_default();
            tracing::debug!(resource = call.resource.name(), status, "salesforce was called");
            answer
        }
        .boxed()
    }
}

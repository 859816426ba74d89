//! The sign-in paths, and the session's cookie in front of everything else that is REST.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use leads_proto::reason::Reason;
use tokio::sync::Semaphore;
use tonic::{body::Body, transport::server::TcpConnectInfo};
use tower::{ServiceExt, service_fn};

use super::{answers, cookies::Cookies, form::Form, origin, pages};
use crate::{
    http::{
        answer::{self, Calls},
        problem,
    },
    service::{
        core::Core,
        error::{Error, Result},
        sessions::{Begun, Presented},
        sign_in::{self, Arrival, Return, SignIn, Target},
    },
};

/// Requests to the sign-in paths at work at the same time.
const PLACES: usize = 64;
/// Time for one of them, the identity provider included.
const LONGEST: Duration = Duration::from_secs(15);
/// Seconds for which a browser keeps the way; what is inside says more exactly.
const PASSAGE_SECONDS: i64 = 600;

/// See the module. Clones share it.
#[derive(Debug, Clone)]
pub struct Desk {
    sign_in: SignIn,
    core: Core,
    cookies: Cookies,
    origin: Arc<str>,
    places: Arc<Semaphore>,
}

impl Desk {
    /// Serves `sign_in`.
    pub fn new(core: Core, sign_in: SignIn) -> Self {
        Self {
            cookies: Cookies::new(sign_in.settings()),
            origin: sign_in.settings().origin().into(),
            places: Arc::new(Semaphore::new(PLACES)),
            sign_in,
            core,
        }
    }

    /// Answers what belongs to signing in, and hands everything else on to `rest`.
    pub fn in_front_of(self, rest: Calls) -> Calls {
        Calls::new(service_fn(move |request: Request<Body>| {
            let (desk, rest) = (self.clone(), rest.clone());
            async move {
                if Place::of(request.uri().path()).is_some() {
                    Ok(desk.answer(request).await)
                } else {
                    rest.oneshot(desk.with_session(request)).await
                }
            }
        }))
    }

    /// Takes the cookies off a request; a session becomes an extension, unless the caller sends a key.
    fn with_session(&self, mut request: Request<Body>) -> Request<Body> {
        let headers = request.headers();
        let presented = self
            .cookies
            .session(headers)
            .map(|cookie| Presented::new(cookie, origin::of_call(request.method(), headers, &self.origin)));
        let sends_key = headers.contains_key(header::AUTHORIZATION);
        request.headers_mut().remove(header::COOKIE);
        if let Some(presented) = presented
            && !sends_key
        {
            request.extensions_mut().insert(presented);
        }
        request
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let is_head = request.method() == Method::HEAD;
        let asked = request.headers().clone();
        let trace = problem::trace_id(&asked);
        let served = tokio::time::timeout(LONGEST, self.serve(request));
        let served = match self.places.try_acquire() {
            Ok(_place) => served.await.unwrap_or_else(|_| {
                Err(Refusal::from(Error::new(
                    Reason::DeadlineExceeded,
                    "signing in took too long; try again",
                )))
            }),
            Err(_) => Err(Refusal::from(
                Error::new(
                    Reason::Overloaded,
                    "too many people sign in at this moment; try again",
                )
                .retry_after(Duration::from_secs(1)),
            )),
        };
        let response = served.unwrap_or_else(|refusal| {
            answers::refusal(*refusal.error, &asked, refusal.headers, trace.as_deref())
        });
        if is_head {
            answer::headless(response)
        } else {
            response
        }
    }

    async fn serve(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let peer = peer(&request);
        let (parts, body) = request.into_parts();
        let (headers, query) = (&parts.headers, Form::of_query(parts.uri.query()));
        let method = &parts.method;
        let Some(place) = Place::of(parts.uri.path()) else {
            return Err(Error::new(Reason::UnknownMethod, "there is no such path").into());
        };
        if !place.takes(method) {
            return Err(Refusal::verb(place));
        }
        if place == Place::Style {
            return Ok(answers::style());
        }
        self.sign_in.admit(peer)?;
        let is_form = *method == Method::POST;
        if is_form && let Some(why) = origin::of_form(headers, &self.origin) {
            return Err(Error::new(Reason::CrossSite, why).into());
        }
        match place {
            Place::Page if is_form => self.take_key(headers, body, peer).await,
            Place::Page => self.show(headers, &query).await,
            Place::Leave => self.leave(&query).await,
            Place::Callback => self.come_back(headers, &query).await,
            Place::Workspace => self.choose(headers, body).await,
            Place::Out => self.sign_out(headers).await,
            Place::Style => Ok(answers::style()),
        }
    }

    async fn show(&self, headers: &HeaderMap, query: &Form) -> Result<Response<Body>, Refusal> {
        let holder = match self.cookies.session(headers) {
            Some(cookie) => self.sign_in.holder(cookie).await?,
            None => None,
        };
        let text = match holder {
            Some(holder) => {
                let facts = self.core.facts(holder.workspace()?).await?;
                pages::signed_in(&holder, &facts.workspace.name)
            }
            None => {
                let target = Target::asked(query.get("return_to"));
                pages::sign_in(self.sign_in.settings(), target.path(), query.get("workspace"))
            }
        };
        Ok(answers::page(StatusCode::OK, HeaderMap::new(), text))
    }

    async fn take_key(
        &self,
        headers: &HeaderMap,
        body: Body,
        peer: Option<IpAddr>,
    ) -> Result<Response<Body>, Refusal> {
        let form = Form::of_body(headers, body).await?;
        let begun = self.sign_in.by_key(form.get("key"), peer).await?;
        let target = Target::asked(form.get("return_to"));
        self.signed_in(headers, begun, &target).await
    }

    async fn leave(&self, query: &Form) -> Result<Response<Body>, Refusal> {
        let workspace = match query.get("workspace") {
            "" => None,
            named => Some(sign_in::workspace(named)?),
        };
        let target = Target::asked(query.get("return_to"));
        let departure = self.sign_in.leave(workspace, target).await?;
        let mut headers = HeaderMap::new();
        self.cookies
            .keep_passage(&mut headers, &departure.sealed, PASSAGE_SECONDS);
        Ok(answers::see_other(headers, departure.url.as_str())?)
    }

    async fn come_back(&self, headers: &HeaderMap, query: &Form) -> Result<Response<Body>, Refusal> {
        let answer = Return {
            state: query.get("state").to_owned(),
            code: query.get("code").to_owned(),
            error: query.get("error").to_owned(),
            issuer: query.find("iss").map(str::to_owned),
        };
        let arrived = self
            .sign_in
            .come_back(self.cookies.passage(headers), &answer)
            .await;
        // A way is gone once, whatever it led to.
        match arrived.map_err(|error| self.off_the_way(error))? {
            (Arrival::Begun(begun), target) => self.signed_in(headers, begun, &target).await,
            (Arrival::Choose { sealed, workspaces }, _) => {
                let mut headers = HeaderMap::new();
                self.cookies.keep_passage(&mut headers, &sealed, PASSAGE_SECONDS);
                Ok(answers::page(StatusCode::OK, headers, pages::choose(&workspaces)))
            }
        }
    }

    async fn choose(&self, headers: &HeaderMap, body: Body) -> Result<Response<Body>, Refusal> {
        let form = Form::of_body(headers, body).await?;
        let workspace = sign_in::workspace(form.get("workspace"))?;
        let chosen = self
            .sign_in
            .choose(self.cookies.passage(headers), workspace)
            .await;
        let (begun, target) = chosen.map_err(|error| self.off_the_way(error))?;
        self.signed_in(headers, begun, &target).await
    }

    async fn sign_out(&self, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        if let Some(cookie) = self.cookies.session(headers) {
            self.sign_in.sign_out(cookie).await?;
        }
        let mut answered = HeaderMap::new();
        self.cookies.drop_session(&mut answered);
        Ok(answers::see_other(answered, "/sign-in")?)
    }

    /// Gives the browser its session. One that it had before ends: nobody goes on with an id that was known before.
    async fn signed_in(
        &self,
        asked: &HeaderMap,
        begun: Begun,
        target: &Target,
    ) -> Result<Response<Body>, Refusal> {
        if let Some(before) = self.cookies.session(asked) {
            self.sign_in.sign_out(before).await?;
        }
        let mut headers = HeaderMap::new();
        let seconds = (begun.session.expires_at - begun.session.created_at).num_seconds();
        self.cookies.keep_session(&mut headers, &begun.cookie, seconds);
        self.cookies.drop_passage(&mut headers);
        Ok(answers::see_other(headers, target.path())?)
    }

    fn off_the_way(&self, error: Error) -> Refusal {
        let mut headers = HeaderMap::new();
        self.cookies.drop_passage(&mut headers);
        Refusal {
            error: Box::new(error),
            headers,
        }
    }
}

/// A path of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Page,
    Leave,
    Callback,
    Workspace,
    Out,
    Style,
}

impl Place {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/sign-in" => Place::Page,
            "/sign-in/oidc" => Place::Leave,
            "/sign-in/callback" => Place::Callback,
            "/sign-in/workspace" => Place::Workspace,
            "/sign-out" => Place::Out,
            "/sign-in/style.css" => Place::Style,
            _ => return None,
        })
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Place::Page => [Method::GET, Method::HEAD, Method::POST].contains(method),
            Place::Style => [Method::GET, Method::HEAD].contains(method),
            // Not HEAD: a look must not use up the way.
            Place::Leave | Place::Callback => *method == Method::GET,
            Place::Workspace | Place::Out => *method == Method::POST,
        }
    }

    fn verbs(self) -> &'static str {
        match self {
            Place::Page => "GET, HEAD, POST",
            Place::Style => "GET, HEAD",
            Place::Leave | Place::Callback => "GET",
            Place::Workspace | Place::Out => "POST",
        }
    }
}

/// A refusal, with the headers that go with it.
struct Refusal {
    error: Box<Error>,
    headers: HeaderMap,
}

impl Refusal {
    fn verb(place: Place) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ALLOW, HeaderValue::from_static(place.verbs()));
        let text = format!("this path takes {}", place.verbs());
        Self {
            error: Box::new(Error::new(Reason::MethodNotAllowed, text)),
            headers,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error: Box::new(error),
            headers: HeaderMap::new(),
        }
    }
}

fn peer(request: &Request<Body>) -> Option<IpAddr> {
    let info = request.extensions().get::<TcpConnectInfo>()?;
    Some(info.remote_addr?.ip().to_canonical())
}

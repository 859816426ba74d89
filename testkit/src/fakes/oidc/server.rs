//! The provider's paths.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::digest;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

use super::{
    Fault, Kind, OidcOptions, pages,
    state::{Grant, State},
    tokens,
};

type Known = Arc<Mutex<State>>;

/// A provider on a loopback port. Dropping it stops it.
#[derive(Debug)]
pub struct OidcServer {
    state: Handle,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// Debug output would show secrets.
struct Handle(Known);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[state]")
    }
}

impl OidcServer {
    /// Binds and serves.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(options: OidcOptions) -> Result<Self> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(wanted)
            .await
            .with_context(|| format!("bind {wanted}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::new(options, format!("http://{address}"))?));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            state: Handle(state),
            address,
            serving,
        })
    }

    /// What its tokens name as their issuer.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on everything has this wrong, or nothing.
    pub fn set_fault(&self, fault: Option<Fault>) {
        lock(&self.state.0).fault = fault;
    }

    /// Who is signed in here; nobody makes `/authorize` ask.
    pub fn sign_in_as(&self, email: Option<&str>) {
        lock(&self.state.0).present = email.map(str::to_owned);
    }

    /// Takes back every key and signs with a new one.
    pub fn rotate_keys(&self, kind: Kind) -> Result<()> {
        let mut state = lock(&self.state.0);
        let key = state.new_key(kind)?;
        state.published = vec![key];
        Ok(())
    }

    /// Publishes a further key, which signs from now on.
    pub fn add_key(&self, kind: Kind) -> Result<()> {
        let mut state = lock(&self.state.0);
        let key = state.new_key(kind)?;
        state.published.push(key);
        Ok(())
    }

    /// How often a path was asked for, such as `/keys`.
    pub fn requests(&self, path: &str) -> usize {
        lock(&self.state.0)
            .log
            .iter()
            .filter(|asked| *asked == path)
            .count()
    }
}

impl Drop for OidcServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Known) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn describe(Shared(known): Shared<Known>) -> Response {
    let mut state = lock(&known);
    state.log.push("/.well-known/openid-configuration".to_owned());
    let issuer = match state.fault {
        Some(Fault::NoDescription) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Fault::OtherDescription) => "https://id.evil.example".to_owned(),
        _ => state.issuer.clone(),
    };
    let base = &state.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // More than it should: a client that takes whatever is listed is an easy prey.
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

async fn keys(Shared(known): Shared<Known>) -> Response {
    let mut state = lock(&known);
    state.log.push("/keys".to_owned());
    let published: Result<Vec<Value>> = state.published.iter().map(|key| key.published()).collect();
    match published {
        Ok(keys) => Json(json!({"keys": keys})).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Gives a code, or says to the browser what is wrong: a request that breaks a rule is never sent back.
async fn authorize(Shared(known): Shared<Known>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let mut state = lock(&known);
    state.log.push("/authorize".to_owned());
    let redirect_uri = text("redirect_uri");
    let rules = [
        ("response_type", text("response_type") == "code"),
        ("client_id", text("client_id") == state.options.client_id),
        (
            "redirect_uri",
            state.options.redirect_uris.contains(&redirect_uri),
        ),
        ("scope", text("scope").split(' ').any(|scope| scope == "openid")),
        ("state", text("state").len() >= 16),
        ("nonce", text("nonce").len() >= 16),
        ("code_challenge_method", text("code_challenge_method") == "S256"),
        ("code_challenge", text("code_challenge").len() == 43),
        ("client_secret", !asked.contains_key("client_secret")),
    ];
    let broken: Vec<&str> = rules
        .iter()
        .filter(|(_, holds)| !holds)
        .map(|(name, _)| *name)
        .collect();
    if !broken.is_empty() {
        return (StatusCode::BAD_REQUEST, format!("not as it must be: {broken:?}")).into_response();
    }
    let Some(email) = asked.get("user").cloned().or_else(|| state.present.clone()) else {
        return Html(pages::who(&state, &query)).into_response();
    };
    let Some(user) = state.user(&email).cloned() else {
        return (StatusCode::BAD_REQUEST, "there is no such account").into_response();
    };
    let code = uuid::Uuid::new_v4().to_string();
    let grant = Grant {
        user,
        redirect_uri: redirect_uri.clone(),
        challenge: text("code_challenge"),
        nonce: text("nonce"),
    };
    state.codes.insert(code.clone(), grant);
    let issuer = match state.fault {
        Some(Fault::OtherIssuerReturns) => "https://id.evil.example",
        _ => state.issuer.as_str(),
    };
    let Ok(mut back) = Url::parse(&redirect_uri) else {
        return (StatusCode::BAD_REQUEST, "redirect_uri is no URL").into_response();
    };
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &text("state"))
        .append_pair("iss", issuer);
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

/// Takes a code once.
async fn token(Shared(known): Shared<Known>, headers: HeaderMap, body: String) -> Response {
    let asked: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let fault = {
        let mut state = lock(&known);
        state.log.push("/token".to_owned());
        state.fault
    };
    match fault {
        Some(Fault::TokenHangs) => std::future::pending().await,
        Some(Fault::TokenFails) => return StatusCode::BAD_GATEWAY.into_response(),
        Some(Fault::CodeRefused) => return refuse("invalid_grant"),
        _ => {}
    }
    let mut state = lock(&known);
    if !is_client(&state, &headers, &asked) {
        return refuse("invalid_client");
    }
    let Some(grant) = state.codes.remove(&text("code")) else {
        return refuse("invalid_grant");
    };
    let challenge = digest::digest(&digest::SHA256, text("code_verifier").as_bytes());
    let fits = text("grant_type") == "authorization_code"
        && text("redirect_uri") == grant.redirect_uri
        && URL_SAFE_NO_PAD.encode(challenge) == grant.challenge;
    if !fits {
        return refuse("invalid_grant");
    }
    let mut answer = json!({"access_token": "access-to-nothing", "token_type": "Bearer", "expires_in": 300});
    if fault != Some(Fault::NoIdToken) {
        match tokens::id_token(&mut state, &grant) {
            Ok(token) => {
                if let Some(answer) = answer.as_object_mut() {
                    answer.insert("id_token".to_owned(), token.into());
                }
            }
            Err(error) => return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
    Json(answer).into_response()
}

/// Whether the one client asks: by the header, by the form, or by its name alone if it has no secret.
fn is_client(state: &State, headers: &HeaderMap, asked: &HashMap<String, String>) -> bool {
    let OidcOptions {
        client_id,
        client_secret,
        ..
    } = &state.options;
    let by_header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|coded| String::from_utf8(STANDARD.decode(coded).ok()?).ok());
    if let Some(pair) = by_header {
        // Both parts are coded as in a form.
        let decoded = |part: &str| -> String {
            form_urlencoded::parse(part.as_bytes())
                .next()
                .map(|(name, _)| name.into_owned())
                .unwrap_or_default()
        };
        return pair
            .split_once(':')
            .is_some_and(|(id, secret)| decoded(id) == *client_id && decoded(secret) == *client_secret);
    }
    let said = |name: &str| asked.get(name).map_or("", String::as_str);
    said("client_id") == client_id && said("client_secret") == client_secret
}

fn refuse(code: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": code}))).into_response()
}

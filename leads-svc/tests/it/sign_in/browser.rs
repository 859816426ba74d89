//! A browser that keeps cookies and says where its requests come from, and the service that it speaks to.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use leads_runtime::redact::Secret;
use leads_svc::{
    domain::{
        email::Email,
        ids,
        member::{Member, Role},
    },
    service::{
        principal::{Bound, Principal, Scope},
        sessions::Lifetimes,
        sign_in::{ProviderSettings, Settings, trustworthy},
    },
};
use leads_testkit::fakes::oidc::{OidcOptions, OidcServer, User};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::{
    edge::client::{Plain, raw},
    rpc::service::{Doors, Service},
    world::{World, email},
};

pub const BASE: &str = "https://leads.example";
pub const SESSION: &str = "__Host-leads-session";
pub const PASSAGE: &str = "__Host-leads-sign-in";

pub fn settings() -> Settings {
    Settings {
        base: trustworthy(BASE).unwrap(),
        keys: true,
        lifetimes: Lifetimes {
            whole: TimeDelta::hours(12),
            idle: TimeDelta::hours(1),
        },
        provider: None,
    }
}

pub fn with_provider(provider: &OidcServer, secret: &str) -> Settings {
    Settings {
        provider: Some(ProviderSettings {
            issuer: trustworthy(&provider.issuer()).unwrap(),
            issuer_text: provider.issuer(),
            client_id: "leads".to_owned(),
            client_secret: Secret::from(secret),
        }),
        ..settings()
    }
}

/// A provider that knows Ana and Ben; Ana is signed in there.
pub async fn provider() -> OidcServer {
    provider_with(OidcOptions::default()).await
}

pub async fn provider_with(options: OidcOptions) -> OidcServer {
    let options = OidcOptions {
        redirect_uris: vec![format!("{BASE}/sign-in/callback")],
        users: vec![User::new(&email("ana")), User::new(&email("ben"))],
        ..options
    };
    let server = OidcServer::start(options).await.unwrap();
    server.sign_in_as(Some(&email("ana")));
    server
}

/// A service with a provider, and Ana as a member of the world's workspace.
pub async fn with_ana(world: World, role: Role) -> (Service, OidcServer, Member) {
    let provider = provider().await;
    let ana = member(&world, &world.caller, "ana", role).await;
    let settings = with_provider(&provider, "secret-of-leads");
    (Service::start_with(world, settings).await, provider, ana)
}

pub async fn member(world: &World, admin: &Principal, name: &str, role: Role) -> Member {
    let address = Email::parse(&email(name)).unwrap();
    world.core.create_member(admin, &address, role).await.unwrap()
}

/// A key of the world's workspace with these scopes.
pub async fn key(service: &Service, scopes: &[Scope]) -> String {
    service
        .key(&Bound::Workspace(service.world.workspace), scopes)
        .await
}

/// Public part of a key.
pub fn public(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

/// See the module.
#[derive(Clone)]
pub struct Browser {
    pub leads: SocketAddr,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn of(service: &Service) -> Self {
        Self::at(&service.doors)
    }

    pub fn at(doors: &Doors) -> Self {
        Self {
            leads: doors.rest,
            cookies: BTreeMap::new(),
        }
    }

    /// The same cookies in front of another replica.
    pub fn moved(&self, doors: &Doors) -> Self {
        Self {
            leads: doors.rest,
            cookies: self.cookies.clone(),
        }
    }

    /// Shows a page.
    pub async fn get(&mut self, path: &str) -> Plain {
        self.send(&format!("GET {path}"), &[("accept", "text/html")], "")
            .await
    }

    /// Posts a form of a page of ours.
    pub async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Plain {
        let form = form(pairs);
        let headers = [
            ("accept", "text/html"),
            ("origin", BASE),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send(&format!("POST {path}"), &headers, &form).await
    }

    /// Calls the API as a page of ours does.
    pub async fn call(&mut self, line: &str, body: &str) -> Plain {
        let mut headers = vec![("sec-fetch-site", "same-origin")];
        if !line.starts_with("GET") {
            headers.extend([
                ("origin", BASE),
                ("leads-csrf", "1"),
                ("content-type", "application/json"),
            ]);
        }
        self.send(line, &headers, body).await
    }

    /// Sends these headers and the cookies, and keeps what cookies come back.
    pub async fn send(&mut self, line: &str, headers: &[(&str, &str)], body: &str) -> Plain {
        let mut head = format!("{line} HTTP/1.1\r\nhost: leads.example\r\nconnection: close\r\n");
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            head += &format!("cookie: {}\r\n", cookies.join("; "));
        }
        if !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let answer = raw(self.leads, format!("{head}\r\n{body}").as_bytes())
            .await
            .unwrap();
        for cookie in set_cookies(&answer) {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Signs in with a key.
    pub async fn with_key(&mut self, key: &str) {
        let answer = self.post("/sign-in", &[("key", key)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(self.cookies.contains_key(SESSION));
    }

    /// Goes to the provider and comes back to the callback, which is not called yet: its path with the query.
    pub async fn leave_and_return(&mut self, query: &str) -> String {
        let away = self.get(&format!("/sign-in/oidc{query}")).await;
        assert_eq!(away.status, 303, "{away:?}");
        provider_sends_back(away.header("location").unwrap()).await
    }

    /// Signs in through the provider.
    pub async fn through_provider(&mut self, query: &str) -> Plain {
        let back = self.leave_and_return(query).await;
        self.get(&back).await
    }

    pub async fn me(&mut self) -> Plain {
        self.call("GET /v1/me", "").await
    }

    /// Waits until the API answers so, for at most five seconds.
    pub async fn until(&mut self, line: &str, status: u16) {
        let since = Instant::now();
        loop {
            let asked = since.elapsed();
            let got = self.call(line, "").await.status;
            if got == status {
                return;
            }
            assert!(asked < Duration::from_secs(5), "still {got} after {asked:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Follows an address at the provider; the path and query that it sends the browser back to.
pub async fn provider_sends_back(address: &str) -> String {
    let url = Url::parse(address).unwrap();
    let there = url.socket_addrs(|| None).unwrap()[0];
    let request = format!(
        "GET {}?{} HTTP/1.1\r\nhost: {there}\r\nconnection: close\r\n\r\n",
        url.path(),
        url.query().unwrap_or_default()
    );
    let answer = raw(there, request.as_bytes()).await.unwrap();
    let back = answer.header("location").unwrap_or_else(|| panic!("{answer:?}"));
    back.strip_prefix(BASE).unwrap().to_owned()
}

pub fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

pub fn set_cookies(answer: &Plain) -> Vec<String> {
    answer
        .head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .map(|(_, value)| value.to_owned())
        .collect()
}

/// Text of a page.
pub fn text(answer: &Plain) -> String {
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{answer:?}"
    );
    String::from_utf8(answer.body.clone()).unwrap()
}

/// The workspace's audit log, oldest first, of these actions: actor, action, subject, details.
pub async fn audited(world: &World, actions: &[&str]) -> Vec<(String, String, String, Value)> {
    let page = world
        .core
        .list_audit_entries(&world.caller, "", 200, "")
        .await
        .unwrap();
    let mut found: Vec<_> = page
        .items
        .into_iter()
        .filter(|entry| actions.contains(&entry.action.as_str()))
        .map(|entry| {
            let details = serde_json::from_str(&entry.details).unwrap();
            (entry.actor, entry.action, entry.subject, details)
        })
        .collect();
    found.reverse();
    found
}

pub const SIGN_INS: &[&str] = &["session.begun", "session.ended", "sign_in.refused"];

pub fn id_of(member: &Member) -> String {
    ids::format::<ids::Member>(member.id)
}

//! Members sign in to the real process, which tells nobody who they are.

use anyhow::{Context, Result, ensure};
use leads_testkit::stack::{Stack, StackOptions, Storage};
use serde_json::{Value, json};

use super::on_both_databases;

on_both_databases!(a_member_signs_in_and_the_logs_tell_neither_who_nor_how);

/// What a browser is given: a client that follows nothing and keeps no cookies of its own.
struct Browser {
    http: reqwest::Client,
    base: String,
    cookies: Vec<String>,
}

impl Browser {
    fn new(base: &str) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            base: base.to_owned(),
            cookies: Vec::new(),
        })
    }

    /// The address that the answer to a GET leads to.
    async fn led_to(&mut self, address: &str) -> Result<String> {
        let request = self.http.get(address).header("cookie", self.cookies.join("; "));
        let answer = request.send().await?;
        let status = answer.status();
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie has a name")?;
            self.cookies.retain(|kept| !kept.starts_with(&format!("{name}=")));
            if !value.is_empty() {
                self.cookies.push(pair.to_owned());
            }
        }
        let there = answer.headers().get("location").cloned();
        let there = there.with_context(|| format!("{address} answered {status}"))?;
        Ok(there.to_str()?.to_owned())
    }

    async fn me(&self) -> Result<(u16, Value)> {
        let request = self.http.get(format!("{}/v1/me", self.base));
        let answer = request.header("cookie", self.cookies.join("; ")).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: String) -> Result<u16> {
        let request = self.http.post(format!("{}{path}", self.base)).body(body);
        let request = request.header("cookie", self.cookies.join("; "));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        Ok(request.send().await?.status().as_u16())
    }
}

async fn a_member_signs_in_and_the_logs_tell_neither_who_nor_how(storage: Storage) -> Result<()> {
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let mut stack = Stack::start_with(
        StackOptions {
            storage,
            connectors: 0,
            connect: false,
            sign_in: true,
            ..StackOptions::default()
        }
        .leads_env("LEADS_SVC__TELEMETRY__LOG_FILTER", "trace"),
    )
    .await?;
    let sign_in = stack.sign_in.as_ref().context("people sign in")?;
    let base = sign_in.base.clone();
    let mut browser = Browser::new(&base)?;
    let mut secrets = Vec::new();
    for (email, is_member) in [("joe@elsewhere.example", false), ("ana@demo.example", true)] {
        sign_in.provider.sign_in_as(Some(email));
        let there = browser.led_to(&format!("{base}/sign-in/oidc")).await?;
        let back = browser.led_to(&there).await?;
        secrets.extend(browser.cookies.clone());
        secrets.extend(
            back.split(['?', '&'])
                .skip(1)
                .filter(|part| !part.starts_with("iss="))
                .map(str::to_owned),
        );
        assert_eq!(browser.led_to(&back).await.is_ok(), is_member, "{email}");
    }
    secrets.extend(browser.cookies.clone());
    let (status, me) = browser.me().await?;
    assert_eq!(
        (status, me.get("email"), me.get("role")),
        (200, Some(&json!("ana@demo.example")), Some(&json!("admin")))
    );
    let origin = ("origin", base.as_str());
    let member = json!({"email": "kim@demo.example", "role": "agent"}).to_string();
    let json = ("content-type", "application/json");
    assert_eq!(
        browser
            .post("/v1/members", &[origin, json], member.clone())
            .await?,
        403
    );
    let own = ("leads-csrf", "1");
    assert_eq!(
        browser.post("/v1/members", &[origin, json, own], member).await?,
        201
    );

    // The same process after a restart, and no session after signing out.
    stack.leads.restart().await?;
    assert_eq!(browser.me().await?.0, 200);
    let mut with_key = Browser::new(&base)?;
    let form = format!("key={}", stack.workspace.key);
    secrets.push(stack.workspace.key.clone());
    assert_eq!(
        with_key.post("/sign-in", &[origin, FORM], form.clone()).await?,
        303
    );
    let wrong = form.replace("key=ak_", "key=ak_zanary");
    assert_eq!(with_key.post("/sign-in", &[origin, FORM], wrong).await?, 401);
    with_key.cookies = browser.cookies.clone();
    assert_eq!(browser.post("/sign-out", &[origin], String::new()).await?, 303);
    assert_eq!(with_key.me().await?.0, 401);

    let logs = stack.leads.process()?.log_files().map(std::fs::read_to_string);
    let logs = logs.into_iter().collect::<Result<Vec<_>, _>>()?.join("\n");
    for expected in ["signed in", "signed out", "sign-in refused", "credential refused"] {
        assert!(logs.contains(expected), "no log line says: {expected}");
    }
    secrets.extend(
        [
            "demo.example",
            "elsewhere.example",
            "secret-of-leads",
            "zanary",
            "eyJ",
        ]
        .map(str::to_owned),
    );
    ensure!(secrets.len() > 8, "too few secrets were seen: {}", secrets.len());
    for secret in secrets {
        let value = secret.split_once('=').map_or(secret.as_str(), |(_, value)| value);
        assert!(!logs.contains(value), "the logs hold {secret}");
    }
    stack.stop().await
}

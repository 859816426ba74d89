//! Behaviour over HTTP, one file per subject.

mod access;
mod batches;
mod checkers;
mod faults;
mod properties;
mod records;
mod search;

use std::sync::Once;
use std::time::Duration;

use serde_json::{Value, json};

use super::{DEFAULT_PORTAL, DEFAULT_TOKEN, HubspotOptions, HubspotServer, PortalOptions};

const V3: &str = "/crm/v3/objects/contacts";

/// A server with the unique property `lead_key` and the number `lead_rev`, and a client of it.
struct Lab {
    server: HubspotServer,
    http: reqwest::Client,
    token: String,
}

/// An answer taken apart; `json` is null if the body is not JSON.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    json: Value,
    text: String,
}

impl Lab {
    async fn new() -> Self {
        Self::with(PortalOptions::new(DEFAULT_PORTAL)).await
    }

    async fn with(portal: PortalOptions) -> Self {
        let portals = vec![portal.token(DEFAULT_TOKEN)];
        let server = HubspotServer::start(HubspotOptions {
            portals,
            ..HubspotOptions::default()
        })
        .await
        .unwrap();
        server
            .define_property(DEFAULT_PORTAL, "lead_key", "string", true)
            .unwrap();
        server
            .define_property(DEFAULT_PORTAL, "lead_rev", "number", false)
            .unwrap();
        Self {
            server,
            http: http(),
            token: DEFAULT_TOKEN.to_owned(),
        }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.server.base_url());
        self.http
            .request(method.parse().unwrap(), url)
            .bearer_auth(&self.token)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        self.try_send(method, path, body).await.unwrap()
    }

    async fn try_send(&self, method: &str, path: &str, body: Value) -> reqwest::Result<Got> {
        take(self.request(method, path).json(&body).send().await?).await
    }

    async fn get(&self, path: &str) -> Got {
        take(self.request("GET", path).send().await.unwrap())
            .await
            .unwrap()
    }

    async fn upsert(&self, inputs: Vec<Value>) -> Got {
        self.send("POST", &format!("{V3}/batch/upsert"), json!({"inputs": inputs}))
            .await
    }

    async fn seed(&self, n: u32) -> u64 {
        self.upsert(vec![lead(n)]).await.json["results"][0]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }
}

fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.timeout(Duration::from_secs(10)).build().unwrap()
}

async fn take(response: reqwest::Response) -> reqwest::Result<Got> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    Ok(Got {
        status,
        headers,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    })
}

/// Input of an upsert by `lead_key`, with a trace id.
fn lead(n: u32) -> Value {
    json!({"id": format!("lead_{n}"), "idProperty": "lead_key", "objectWriteTraceId": format!("t{n}"),
        "properties": {"lead_key": format!("lead_{n}"), "email": format!("Lead.{n}@Example.org"),
            "firstname": "Ann", "lead_rev": "1"}})
}

fn with(mut input: Value, property: &str, value: &str) -> Value {
    input["properties"][property] = json!(value);
    input
}

fn untraced(mut input: Value) -> Value {
    input.as_object_mut().unwrap().remove("objectWriteTraceId");
    input
}

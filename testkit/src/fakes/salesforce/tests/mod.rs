//! The simulator on the wire.

mod collections;
mod faults;
mod tokens;

use serde_json::Value;

use super::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, SalesforceOptions, SalesforceServer};

const UPSERT: &str = "/services/data/v62.0/composite/sobjects/Lead/Leads_Lead_Id__c";

/// An org, and a client of it.
struct Lab {
    server: SalesforceServer,
    http: reqwest::Client,
    token: String,
}

/// An answer taken apart; `json` is null if the body is not JSON.
#[derive(Debug)]
struct Got {
    status: u16,
    usage: Option<String>,
    json: Value,
    text: String,
}

impl Lab {
    async fn new(options: SalesforceOptions) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = SalesforceServer::start(options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut lab = Self {
            server,
            http,
            token: String::new(),
        };
        let granted = lab
            .grant(&[
                ("grant_type", "client_credentials"),
                ("client_id", DEFAULT_CLIENT_ID),
                ("client_secret", DEFAULT_CLIENT_SECRET),
            ])
            .await;
        lab.token = granted.json["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        lab
    }

    async fn grant(&self, form: &[(&str, &str)]) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .http
            .post(format!("{}/services/oauth2/token", self.server.base_url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        take(request.send().await.unwrap()).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.server.base_url());
        self.http
            .request(method.parse().unwrap(), url)
            .bearer_auth(&self.token)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        let answer = self.request(method, path).json(&body).send().await;
        take(answer.unwrap()).await
    }

    async fn get(&self, path: &str) -> Got {
        take(self.request("GET", path).send().await.unwrap()).await
    }

    async fn query(&self, soql: &str) -> Got {
        let url = format!("{}/services/data/v62.0/query", self.server.base_url());
        let request = self.http.get(url).query(&[("q", soql)]).bearer_auth(&self.token);
        take(request.send().await.unwrap()).await
    }
}

async fn take(answer: reqwest::Response) -> Got {
    let status = answer.status().as_u16();
    let usage = answer
        .headers()
        .get("sforce-limit-info")
        .map(|value| value.to_str().unwrap().to_owned());
    let text = answer.text().await.unwrap();
    Got {
        status,
        usage,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}

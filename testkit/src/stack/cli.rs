//! The operator's commands of leads-svc, run as an operator runs them.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::Program;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs commands of leads-svc with one environment.
#[derive(Clone, Debug)]
pub struct Cli {
    program: Program,
}

/// A workspace and a key that may do everything in it.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// `ws_…`
    pub id: String,
    /// `ak_…`
    pub key: String,
}

impl Cli {
    /// `program` is leads-svc with the environment of the service.
    pub fn new(program: Program) -> Self {
        Self {
            program: program.name("leads-svc-cli"),
        }
    }

    /// Runs one command and returns what it printed.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let run = self.program.clone().args(arguments).output(LIMIT).await;
        run.with_context(|| format!("leads-svc {}", arguments.join(" ")))
    }

    /// Brings the database up to date.
    pub async fn migrate(&self) -> Result<()> {
        self.run(&["migrate"]).await.map(drop)
    }

    /// Creates a workspace and a key with every scope.
    pub async fn create_workspace(&self, name: &str) -> Result<Workspace> {
        let created = self
            .json(&["workspace", "create", "--name", name, "--json"])
            .await?;
        let id = prefixed(&created, "ws_").context("no workspace id was printed")?;
        if let Some(key) = prefixed(&created, "ak_") {
            return Ok(Workspace { id, key });
        }
        let key = self
            .json(&["key", "create", "--workspace", &id, "--name", "testkit", "--json"])
            .await?;
        Ok(Workspace {
            id,
            key: prefixed(&key, "ak_").context("no key was printed")?,
        })
    }

    /// Creates the credential of a destination's connector, `ck_…`.
    pub async fn create_connector_credential(&self, destination: &str) -> Result<String> {
        let created = self
            .json(&[
                "key",
                "create",
                "--connector",
                destination,
                "--name",
                "testkit",
                "--json",
            ])
            .await?;
        prefixed(&created, "ck_").context("no credential was printed")
    }

    async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.run(arguments).await?;
        serde_json::from_str(&text)
            .with_context(|| format!("leads-svc {} printed {text}", arguments.join(" ")))
    }
}

/// The longest text in a document that starts so: a key is longer than the public part of its id.
fn prefixed(document: &Value, prefix: &str) -> Option<String> {
    match document {
        Value::String(text) => text.starts_with(prefix).then(|| text.clone()),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| prefixed(item, prefix))
            .max_by_key(String::len),
        Value::Object(fields) => fields
            .values()
            .filter_map(|field| prefixed(field, prefix))
            .max_by_key(String::len),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

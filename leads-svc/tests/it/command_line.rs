//! The operator's commands, run as an operator runs them.

use std::time::Duration;

use leads_svc::service::keys::Presented;
use leads_testkit::process::Program;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::world::{Database, World};

const LIMIT: Duration = Duration::from_secs(60);
/// The key of [`World`]'s databases, and another one.
const KEK: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OTHER_KEK: &str = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Commands on a world's database.
struct Cli {
    world: World,
    program: Program,
    _logs: TempDir,
}

impl Cli {
    fn new(world: World) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let url = match &world.database {
            Database::Sqlite(folder) => format!("sqlite://{}", folder.path().join("leads.db").display()),
            Database::Postgres(database) => database.url.clone(),
        };
        let program = Program::new(env!("CARGO_BIN_EXE_leads-svc"), logs.path())
            .env("LEADS_SVC__STORAGE__URL", url)
            .env("LEADS_SVC__CRYPTO__KEK", KEK);
        Self {
            world,
            program,
            _logs: logs,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let run = self.program.clone().args(arguments).output(LIMIT).await;
        run.map_err(|error| format!("{error:#}"))
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments).await.unwrap()).unwrap()
    }
}

crate::world::on_both_databases!(
    a_revoked_key_is_stored_as_revoked_and_others_are_not,
    a_key_that_is_not_there_cannot_be_revoked,
    a_workspace_is_created_once_per_request_id,
    nothing_starts_with_another_key_encryption_key,
);

async fn a_revoked_key_is_stored_as_revoked_and_others_are_not(world: World) {
    let cli = Cli::new(world);
    let created = cli
        .json(&["workspace", "create", "--name", "New", "--json"])
        .await;
    let id = created["workspace"].as_str().unwrap();
    let mut keys = vec![created["key"].as_str().unwrap().to_owned()];
    for bound in [
        &["--workspace", id][..],
        &["--platform"],
        &["--connector", "hubspot"],
    ] {
        let arguments = [&["key", "create", "--name", "second", "--json"], bound].concat();
        let created = cli.json(&arguments).await;
        keys.push(created["key"].as_str().unwrap().to_owned());
    }
    let public = |key: &String| Presented::parse(key).unwrap().id.to_owned();
    let first = public(&keys[0]);
    for key in &keys[1..] {
        cli.run(&["key", "revoke", &public(key)]).await.unwrap();
        let stored = cli.world.store.find_key(&public(key)).await.unwrap().unwrap();
        assert!(stored.revoked_at.is_some(), "{key}");
    }
    let untouched = cli.world.store.find_key(&first).await.unwrap().unwrap();
    assert_eq!(untouched.revoked_at, None);
    cli.run(&["key", "revoke", &first]).await.unwrap();
    let before = cli.world.store.find_key(&first).await.unwrap().unwrap();
    // Once more changes nothing, not even the time.
    cli.run(&["key", "revoke", &first]).await.unwrap();
    assert_eq!(cli.world.store.find_key(&first).await.unwrap(), Some(before));
}

async fn a_key_that_is_not_there_cannot_be_revoked(world: World) {
    let cli = Cli::new(world);
    let created = cli
        .json(&["workspace", "create", "--name", "New", "--json"])
        .await;
    let whole = created["key"].as_str().unwrap();
    for id in ["AAAAAAAAAAAA", whole] {
        let refusal = cli.run(&["key", "revoke", id]).await.unwrap_err();
        assert!(refusal.contains("give the public part alone"), "{refusal}");
    }
    let stored = cli
        .world
        .store
        .find_key(Presented::parse(whole).unwrap().id)
        .await;
    assert_eq!(stored.unwrap().unwrap().revoked_at, None);
}

async fn a_workspace_is_created_once_per_request_id(world: World) {
    let cli = Cli::new(world);
    let id = Uuid::new_v4().to_string();
    let create = |name| {
        [
            "workspace",
            "create",
            "--name",
            name,
            "--request-id",
            id.as_str(),
            "--json",
        ]
    };
    let first = cli.json(&create("New")).await;
    assert_eq!(cli.json(&create("New")).await, first);
    let refusal = cli.run(&create("Other")).await.unwrap_err();
    assert!(refusal.contains("request id"), "{refusal}");
    // Its own one and the world's.
    assert_eq!(cli.world.store.list_workspaces().await.unwrap().len(), 2);
}

async fn nothing_starts_with_another_key_encryption_key(world: World) {
    let mut cli = Cli::new(world);
    cli.program = cli
        .program
        .env("LEADS_SVC__CRYPTO__KEK", OTHER_KEK)
        .env("LEADS_SVC__SERVER__LISTEN", "127.0.0.1:0")
        .env("LEADS_SVC__SERVER__CONNECTOR_LISTEN", "127.0.0.1:0")
        .env("LEADS_SVC__OPS__LISTEN", "127.0.0.1:0");
    for arguments in [
        &["serve"][..],
        &["workspace", "create", "--name", "New"],
        &["key", "create", "--platform", "--name", "New"],
    ] {
        let refusal = cli.run(arguments).await.unwrap_err();
        assert!(
            refusal.contains("crypto.kek is not the key-encryption key of 1 workspaces"),
            "{arguments:?}: {refusal}"
        );
    }
    assert_eq!(cli.world.store.list_workspaces().await.unwrap().len(), 1);
}

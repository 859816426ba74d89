//! What an operator sees of right and wrong configurations.

use std::io::Write;
use std::net::SocketAddr;

use serde::Deserialize;

use super::*;
use crate::redact::{Secret, SecretUrl};

const DEFAULTS: &str = r#"
[server]
listen = "127.0.0.1:8080"
workers = 4
verbose = false
origins = ["https://a.example"]

[storage]
url = "sqlite://leads.db"

[crypto]
kek = ""
kek_file = ""
"#;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    server: Server,
    storage: Storage,
    crypto: Crypto,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    listen: SocketAddr,
    workers: u8,
    verbose: bool,
    origins: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Storage {
    url: SecretUrl,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Crypto {
    kek: Secret,
}

impl Validate for Config {
    fn validate(&self, checks: &mut Checks) {
        checks.section("server", &self.server);
        checks.section("crypto", &self.crypto);
    }
}

impl Validate for Server {
    fn validate(&self, checks: &mut Checks) {
        checks.check("workers", self.workers > 0, "must be at least 1");
    }
}

impl Validate for Crypto {
    fn validate(&self, checks: &mut Checks) {
        checks.check("kek", !self.kek.is_empty(), "is required");
    }
}

fn spec(file: Option<PathBuf>) -> Spec {
    Spec {
        env_prefix: "APP",
        defaults: DEFAULTS,
        file,
    }
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

fn file(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = file("[server]\nworkers = 9\nverbose = true\n");
    let config: Config = load_with(
        spec(Some(file.path().into())),
        environment(&[
            ("APP__SERVER__WORKERS", "17"),
            ("APP__SERVER__ORIGINS", "https://b.example, https://c.example"),
            ("APP__CRYPTO__KEK", "123"),
            ("APP_CONFIG", "ignored"),
            ("OTHER__X", "ignored"),
        ]),
    )
    .unwrap();
    assert_eq!(config.server.workers, 17);
    assert!(config.server.verbose);
    assert_eq!(config.server.listen.port(), 8080);
    assert_eq!(config.server.origins, ["https://b.example", "https://c.example"]);
    assert_eq!(
        config.crypto.kek.expose(),
        "123",
        "a secret of digits stays a string"
    );
}

#[test]
fn all_problems_are_told_at_once_with_their_origins() {
    let file = file("[server]\nlisten = \"nowhere\"\ncolour = \"red\"\n[extra]\nx = 1\n");
    let path = file.path().display().to_string();
    let problems = load_with::<Config>(
        spec(Some(file.path().into())),
        environment(&[
            ("APP__SERVER__WORKERS", "many"),
            ("APP__SERVER__VERBOSE", "perhaps"),
            ("APP__SERVER__PORT", "1"),
            ("APP__STORAGE", "x"),
        ]),
    )
    .unwrap_err();
    let told: Vec<(&str, &str)> = problems
        .0
        .iter()
        .map(|p| (p.key.as_str(), p.origin.as_str()))
        .collect();
    let file = format!("file {path}");
    assert_eq!(
        told,
        [
            ("crypto.kek", "built-in defaults"),
            ("extra", file.as_str()),
            ("server.colour", file.as_str()),
            ("server.listen", file.as_str()),
            ("server.port", "environment variable APP__SERVER__PORT"),
            ("server.verbose", "environment variable APP__SERVER__VERBOSE"),
            ("server.workers", "environment variable APP__SERVER__WORKERS"),
            ("storage", "environment variable APP__STORAGE"),
        ]
    );
}

#[test]
fn a_number_that_fits_the_type_but_not_the_rule_is_refused() {
    let zero = environment(&[("APP__SERVER__WORKERS", "0"), ("APP__CRYPTO__KEK", "k")]);
    let problems = load_with::<Config>(spec(None), zero).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "the configuration has 1 problem(s):\n  server.workers: must be at least 1 (environment variable \
         APP__SERVER__WORKERS)"
    );
    let large = environment(&[("APP__SERVER__WORKERS", "256"), ("APP__CRYPTO__KEK", "k")]);
    assert_eq!(
        load_with::<Config>(spec(None), large).unwrap_err().0[0].key,
        "server.workers"
    );
}

#[test]
fn a_secret_is_read_from_the_file_that_its_twin_names() {
    let secret = file("  s3cret\n");
    let path = secret.path().to_str().unwrap();
    let config: Config = load_with(spec(None), environment(&[("APP__CRYPTO__KEK_FILE", path)])).unwrap();
    assert_eq!(config.crypto.kek.expose(), "s3cret");

    let both = environment(&[("APP__CRYPTO__KEK_FILE", path), ("APP__CRYPTO__KEK", "other")]);
    let problems = load_with::<Config>(spec(None), both).unwrap_err();
    assert_eq!(problems.0.len(), 1);
    assert!(problems.0[0].text.starts_with("set twice"), "{problems}");

    let missing = environment(&[("APP__CRYPTO__KEK_FILE", "/nonexistent")]);
    let problems = load_with::<Config>(spec(None), missing).unwrap_err();
    assert_eq!(
        problems.0.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(),
        ["crypto.kek", "crypto.kek_file"]
    );
}

#[test]
fn neither_the_description_nor_a_problem_shows_a_secret() {
    let variables = environment(&[
        ("APP__CRYPTO__KEK", "hunter2"),
        ("APP__STORAGE__URL", "postgres://app:hunter2@db/leads"),
    ]);
    let config: Config = load_with(spec(None), variables).unwrap();
    let text = describe(&config);
    assert!(text.contains("kek = \"[hidden]\""), "{text}");
    assert!(text.contains("postgres://app:[hidden]@db/leads"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");

    let file = file("[crypto]\nkek = 1234567\n");
    let problems = load_with::<Config>(spec(Some(file.path().into())), environment(&[])).unwrap_err();
    assert!(!problems.to_string().contains("1234567"), "{problems}");
}

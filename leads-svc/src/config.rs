//! Settings of the process.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use chrono::TimeDelta;
use leads_runtime::{
    process::config::{
        self, Checks, ConfigProblems, OpsConfig, RedisConfig, Spec, TelemetryConfig, Validate,
    },
    redact::{Secret, SecretUrl},
};
use serde::{Deserialize, Serialize};

use crate::{
    domain::plan::Plan,
    service::{
        auth::Rate,
        connector::Times,
        sessions::Lifetimes,
        sign_in::{ProviderSettings, Settings, trustworthy},
    },
    storage::{
        self,
        crypto::{self, KeyEncryptionKey, KeyEncryptionKeys},
        keystore,
    },
};

/// Every key with its default.
pub const DEFAULTS: &str = include_str!("../config.toml");
/// Start of environment variables.
pub const ENV_PREFIX: &str = "LEADS_SVC";
const DATABASE: &str = "must start with sqlite: or postgres://";

/// All settings; `config.toml` says what each means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "a section each, documented at its type")]
pub struct Config {
    pub server: ServerConfig,
    pub ops: OpsConfig,
    pub storage: StorageConfig,
    pub crypto: CryptoConfig,
    pub keys: KeysConfig,
    pub plans: PlansConfig,
    pub sign_in: SignInConfig,
    pub redis: RedisConfig,
    pub delivery: DeliveryConfig,
    pub telemetry: TelemetryConfig,
}

/// `[server]`: the doors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// gRPC, gRPC-web and REST.
    pub listen: SocketAddr,
    /// The connectors' gRPC.
    pub connector_listen: SocketAddr,
    /// Whether reflection is served.
    pub reflection: bool,
    /// Open connections of one address.
    pub connections_per_address: usize,
    /// Calls a second of one key in the long run.
    pub key_calls_per_second: NonZeroU32,
    /// Calls of one key at once.
    pub key_burst: NonZeroU32,
}

/// `[storage]`: the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// Where it is.
    pub url: SecretUrl,
    /// Connections that are kept.
    pub max_connections: u32,
    /// Whether `serve` migrates.
    pub migrate_at_start: bool,
}

/// `[crypto]`: encryption at rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CryptoConfig {
    /// Key-encryption key in base64.
    pub kek: Secret,
    /// The one before or after it.
    pub previous_kek: Secret,
}

/// `[keys]`: the store of the contacts' keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// Where it is; empty is beside the database.
    pub url: SecretUrl,
}

/// `[plans]`: what workspaces may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlansConfig {
    /// Plan of new workspaces.
    pub default: Plan,
}

/// `[sign_in]`: people with browsers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInConfig {
    /// Where browsers reach the service; empty if nobody signs in.
    pub base_url: String,
    /// Whether API keys are taken.
    pub keys: bool,
    /// The identity provider's issuer; empty if there is none.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret,
    /// Longest life of a session.
    pub lifetime_minutes: u32,
    /// Its longest rest.
    pub idle_minutes: u32,
}

/// `[delivery]`: times of the delivery protocol, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryConfig {
    /// How long a lease holds.
    pub lease_ms: u64,
    /// How often lost jobs are looked for.
    pub sweep_interval_ms: u64,
    /// Longest time between two looks for due jobs.
    pub publish_interval_ms: u64,
    /// When a hint counts as lost.
    pub republish_after_ms: u64,
    /// When an unknown outcome is read back; 0 is two leases.
    pub verify_after_ms: u64,
    /// Most jobs on their way for one connection.
    pub window: u64,
}

impl Config {
    /// Loads the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn load(file: Option<PathBuf>) -> Result<Self, ConfigProblems> {
        config::load(Spec {
            env_prefix: ENV_PREFIX,
            defaults: DEFAULTS,
            file,
        })
    }
}

impl ServerConfig {
    /// How fast one key may call.
    pub fn rate(&self) -> Rate {
        Rate {
            per_second: self.key_calls_per_second,
            burst: self.key_burst,
        }
    }
}

impl StorageConfig {
    /// As storage takes it.
    pub fn options(&self) -> storage::Options {
        storage::Options {
            url: self.url.expose().to_owned(),
            max_connections: self.max_connections,
        }
    }
}

impl CryptoConfig {
    /// The keys.
    ///
    /// # Errors
    /// One of them is not 32 bytes of base64.
    pub fn keks(&self) -> Result<KeyEncryptionKeys, crypto::Error> {
        let previous = match self.previous_kek.is_empty() {
            true => None,
            false => Some(KeyEncryptionKey::from_base64(self.previous_kek.expose())?),
        };
        let current = KeyEncryptionKey::from_base64(self.kek.expose())?;
        Ok(KeyEncryptionKeys::new(current, previous))
    }
}

impl Config {
    /// Where the key store is.
    pub fn key_store(&self) -> SecretUrl {
        match self.keys.url.is_empty() {
            true => keystore::beside(self.storage.url.expose()).into(),
            false => self.keys.url.clone(),
        }
    }
}

impl SignInConfig {
    /// As the use case takes them; `None` if nobody signs in.
    pub fn settings(&self) -> Option<Settings> {
        let provider = trustworthy(&self.issuer).ok().map(|issuer| ProviderSettings {
            issuer,
            issuer_text: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
        });
        Some(Settings {
            base: trustworthy(&self.base_url).ok()?,
            keys: self.keys,
            lifetimes: Lifetimes {
                whole: TimeDelta::minutes(self.lifetime_minutes.into()),
                idle: TimeDelta::minutes(self.idle_minutes.into()),
            },
            provider,
        })
    }
}

impl DeliveryConfig {
    /// Times of leases and verification.
    pub fn times(&self) -> Times {
        let lease = Duration::from_millis(self.lease_ms);
        let verify_after = match self.verify_after_ms {
            0 => lease * 2,
            some => Duration::from_millis(some),
        };
        Times { lease, verify_after }
    }
}

impl Validate for Config {
    fn validate(&self, checks: &mut Checks) {
        checks.section("server", &self.server);
        checks.section("ops", &self.ops);
        checks.section("storage", &self.storage);
        checks.section("crypto", &self.crypto);
        checks.section("keys", &self.keys);
        checks.section("sign_in", &self.sign_in);
        checks.section("redis", &self.redis);
        checks.section("delivery", &self.delivery);
        checks.section("telemetry", &self.telemetry);
    }
}

impl Validate for ServerConfig {
    fn validate(&self, checks: &mut Checks) {
        checks.check(
            "connections_per_address",
            self.connections_per_address > 0,
            "must be at least 1",
        );
        let distinct = self.listen.port() == 0 || self.listen != self.connector_listen;
        checks.check("connector_listen", distinct, "must not be the same as listen");
    }
}

impl Validate for StorageConfig {
    fn validate(&self, checks: &mut Checks) {
        checks.check("url", is_database(&self.url), DATABASE);
        checks.check(
            "max_connections",
            (2..=1_000).contains(&self.max_connections),
            "must be 2 to 1000",
        );
    }
}

impl Validate for KeysConfig {
    fn validate(&self, checks: &mut Checks) {
        let fits = self.url.is_empty() || is_database(&self.url);
        checks.check("url", fits, DATABASE);
    }
}

fn is_database(url: &SecretUrl) -> bool {
    let schemes = ["sqlite:", "postgres://", "postgresql://"];
    schemes.iter().any(|scheme| url.expose().starts_with(scheme))
}

impl Validate for CryptoConfig {
    fn validate(&self, checks: &mut Checks) {
        if let Err(problem) = KeyEncryptionKey::from_base64(self.kek.expose()) {
            checks.check(
                "kek",
                false,
                format!("{problem}; give it as crypto.kek or in the file crypto.kek_file"),
            );
        }
        let previous = self.previous_kek.expose();
        if let (false, Err(problem)) = (previous.is_empty(), KeyEncryptionKey::from_base64(previous)) {
            checks.check("previous_kek", false, problem.to_string());
        }
    }
}

impl Validate for SignInConfig {
    fn validate(&self, checks: &mut Checks) {
        let (has_base, has_issuer) = (!self.base_url.is_empty(), !self.issuer.is_empty());
        if has_base {
            match trustworthy(&self.base_url) {
                Ok(url) => checks.check("base_url", url.path() == "/", "must have no path"),
                Err(problem) => checks.check("base_url", false, problem),
            }
            let possible = self.keys || has_issuer;
            checks.check(
                "keys",
                possible,
                "must be true, or an issuer set: nobody could sign in",
            );
        } else {
            checks.check("base_url", !has_issuer, "is required with an issuer");
        }
        if has_issuer {
            if let Err(problem) = trustworthy(&self.issuer) {
                checks.check("issuer", false, problem);
            }
            checks.check(
                "client_id",
                !self.client_id.is_empty(),
                "is required with an issuer",
            );
        } else {
            checks.check(
                "client_id",
                self.client_id.is_empty(),
                "is of no use without an issuer",
            );
            let has_secret = !self.client_secret.is_empty();
            checks.check("client_secret", !has_secret, "is of no use without an issuer");
        }
        let (lifetime, idle) = (self.lifetime_minutes, self.idle_minutes);
        checks.check(
            "lifetime_minutes",
            (5..=43_200).contains(&lifetime),
            "must be 5 to 43200",
        );
        checks.check(
            "idle_minutes",
            idle >= 5 && idle <= lifetime,
            "must be at least 5 and at most lifetime_minutes",
        );
    }
}

impl Validate for DeliveryConfig {
    fn validate(&self, checks: &mut Checks) {
        checks.check(
            "lease_ms",
            (1_000..=600_000).contains(&self.lease_ms),
            "must be 1000 to 600000",
        );
        for (key, value) in [
            ("sweep_interval_ms", self.sweep_interval_ms),
            ("publish_interval_ms", self.publish_interval_ms),
            ("republish_after_ms", self.republish_after_ms),
        ] {
            checks.check(key, (10..=600_000).contains(&value), "must be 10 to 600000");
        }
        checks.check(
            "window",
            (1..=100_000).contains(&self.window),
            "must be 1 to 100000",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_lack_only_the_key_encryption_key() {
        let problems = config::load_with::<Config>(
            Spec {
                env_prefix: ENV_PREFIX,
                defaults: DEFAULTS,
                file: None,
            },
            [],
        )
        .unwrap_err();
        let keys: Vec<&str> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["crypto.kek"]);
    }

    #[test]
    fn everything_that_is_wrong_with_signing_in_is_told_at_once() {
        let told = |set: &[(&str, &str)]| -> Vec<String> {
            let kek = ("CRYPTO__KEK", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
            let environment = set
                .iter()
                .chain([&kek])
                .map(|(key, value)| (format!("{ENV_PREFIX}__{key}").into(), (*value).into()));
            let spec = Spec {
                env_prefix: ENV_PREFIX,
                defaults: DEFAULTS,
                file: None,
            };
            match config::load_with::<Config>(spec, environment.collect::<Vec<_>>()) {
                Ok(_) => Vec::new(),
                Err(problems) => problems.0.into_iter().map(|problem| problem.key).collect(),
            }
        };
        let base = ("SIGN_IN__BASE_URL", "https://leads.example");
        let issuer = ("SIGN_IN__ISSUER", "https://id.example/realm");
        let client = ("SIGN_IN__CLIENT_ID", "leads");
        assert!(told(&[]).is_empty());
        assert!(told(&[base]).is_empty());
        assert!(told(&[base, issuer, client, ("SIGN_IN__CLIENT_SECRET", "s")]).is_empty());
        assert_eq!(told(&[issuer]), ["sign_in.base_url", "sign_in.client_id"]);
        assert_eq!(told(&[base, client]), ["sign_in.client_id"]);
        assert_eq!(
            told(&[
                ("SIGN_IN__BASE_URL", "http://leads.example"),
                ("SIGN_IN__KEYS", "false")
            ]),
            ["sign_in.base_url", "sign_in.keys"]
        );
        assert_eq!(
            told(&[
                ("SIGN_IN__BASE_URL", "https://leads.example/app"),
                ("SIGN_IN__ISSUER", "http://id.example"),
                ("SIGN_IN__IDLE_MINUTES", "4"),
                ("SIGN_IN__LIFETIME_MINUTES", "0"),
            ]),
            [
                "sign_in.base_url",
                "sign_in.client_id",
                "sign_in.idle_minutes",
                "sign_in.issuer",
                "sign_in.lifetime_minutes"
            ]
        );
    }
}

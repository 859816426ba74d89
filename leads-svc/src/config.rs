//! Settings of the process.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use leads_runtime::{
    process::config::{
        self, Checks, ConfigProblems, OpsConfig, RedisConfig, Spec, TelemetryConfig, Validate,
    },
    redact::{Secret, SecretUrl},
};
use serde::{Deserialize, Serialize};

use crate::{
    domain::plan::Plan,
    service::{auth::Rate, connector::Times},
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
    pub fn key_store(&self) -> String {
        match self.keys.url.is_empty() {
            true => keystore::beside(self.storage.url.expose()),
            false => self.keys.url.expose().to_owned(),
        }
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
}

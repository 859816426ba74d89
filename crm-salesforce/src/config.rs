//! Settings of the process.

use std::path::PathBuf;
use std::time::Duration;

use leads_runtime::delivery::{DeliveryConfig, LeadsConfig};
use leads_runtime::process::config::{
    self, Checks, ConfigProblems, OpsConfig, RedisConfig, Spec, TelemetryConfig, Validate,
};
use leads_runtime::vendor::ClientLimits;
use serde::{Deserialize, Serialize};

use crate::api::Rules;

/// Every key with its default.
pub const DEFAULTS: &str = include_str!("../config.toml");
/// Start of environment variables.
pub const ENV_PREFIX: &str = "CRM_SALESFORCE";

/// All settings; `config.toml` says what each means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "a section each, documented at its type")]
pub struct Config {
    pub leads: LeadsConfig,
    pub redis: RedisConfig,
    pub vendor: VendorConfig,
    pub ops: OpsConfig,
    pub delivery: DeliveryConfig,
    pub telemetry: TelemetryConfig,
}

/// `[vendor]`: Salesforce.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorConfig {
    /// Such as `62.0`.
    pub api_version: String,
    /// Domains of login addresses and sessions, separated by spaces.
    pub domains: String,
    /// Whether plain http will do.
    pub allow_http: bool,
    /// Calls of an org in any second.
    pub calls_per_second: u32,
    /// Longest time for TCP and TLS, in milliseconds.
    pub connect_ms: u64,
    /// Longest time for a call, in milliseconds.
    pub timeout_ms: u64,
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

impl VendorConfig {
    /// Where calls may go, and how many.
    pub fn rules(&self) -> Rules {
        Rules {
            api_version: self.api_version.clone(),
            domains: self.domains.split_whitespace().map(str::to_lowercase).collect(),
            allow_http: self.allow_http,
            calls_per_second: self.calls_per_second,
        }
    }

    /// Bounds of each call.
    pub fn client_limits(&self) -> ClientLimits {
        ClientLimits {
            connect: Duration::from_millis(self.connect_ms),
            total: Duration::from_millis(self.timeout_ms),
            allow_http: self.allow_http,
            ..ClientLimits::default()
        }
    }
}

impl Validate for Config {
    fn validate(&self, checks: &mut Checks) {
        checks.section("leads", &self.leads);
        checks.section("redis", &self.redis);
        checks.section("vendor", &self.vendor);
        checks.section("ops", &self.ops);
        checks.section("delivery", &self.delivery);
        checks.section("telemetry", &self.telemetry);
        // Hints are taken from a reader whose lease is over, and every lease takes a call with its report.
        let shortest_lease = self.vendor.client_limits().total + self.delivery.calls().margin;
        checks.check(
            "delivery.takeover_ms",
            u128::from(self.delivery.takeover_ms) >= shortest_lease.as_millis(),
            "must be at least vendor.timeout_ms and 2,000",
        );
    }
}

impl Validate for VendorConfig {
    fn validate(&self, checks: &mut Checks) {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let halves = self.api_version.split_once('.');
        checks.check(
            "api_version",
            halves.is_some_and(|(major, minor)| is_number(major) && is_number(minor)),
            "must be a version such as 62.0",
        );
        checks.check(
            "domains",
            !self.domains.trim().is_empty(),
            "must name at least one domain",
        );
        checks.check(
            "calls_per_second",
            (1..=10_000).contains(&self.calls_per_second),
            "must be 1 to 10,000",
        );
        checks.check(
            "connect_ms",
            (100..=60_000).contains(&self.connect_ms),
            "must be 100 to 60,000",
        );
        checks.check(
            "timeout_ms",
            (100..=120_000).contains(&self.timeout_ms),
            "must be 100 to 120,000",
        );
        checks.check(
            "connect_ms",
            self.connect_ms <= self.timeout_ms,
            "must be at most vendor.timeout_ms",
        );
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
        let spec = Spec {
            env_prefix: ENV_PREFIX,
            defaults: DEFAULTS,
            file: None,
        };
        config::load_with(
            spec,
            variables
                .iter()
                .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        )
    }

    #[test]
    fn a_credential_is_all_that_the_defaults_lack() {
        let problems = load(&[]).unwrap_err().0;
        assert_eq!(
            problems
                .iter()
                .map(|problem| problem.key.as_str())
                .collect::<Vec<_>>(),
            ["leads.credential"]
        );
        load(&[("CRM_SALESFORCE__LEADS__CREDENTIAL", "ck_x")]).unwrap();
    }

    #[test]
    fn the_embedded_defaults_are_those_of_the_runtime() {
        let config = load(&[("CRM_SALESFORCE__LEADS__CREDENTIAL", "ck_x")]).unwrap();
        assert_eq!(
            serde_json::to_value(&config.delivery).unwrap(),
            serde_json::to_value(DeliveryConfig::default()).unwrap()
        );
        let limits = ClientLimits::default();
        assert_eq!(config.vendor.client_limits().total, limits.total);
        assert_eq!(config.vendor.client_limits().connect, limits.connect);
    }

    #[test]
    fn what_is_wrong_is_named_all_at_once() {
        let problems = load(&[
            ("CRM_SALESFORCE__LEADS__CREDENTIAL", "ck_x"),
            ("CRM_SALESFORCE__VENDOR__API_VERSION", "newest"),
            ("CRM_SALESFORCE__VENDOR__TIMEOUT_MS", "2000"),
            ("CRM_SALESFORCE__DELIVERY__TAKEOVER_MS", "3999"),
        ]);
        let problems = problems.unwrap_err().0;
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(
            keys,
            ["delivery.takeover_ms", "vendor.api_version", "vendor.connect_ms"]
        );
    }
}

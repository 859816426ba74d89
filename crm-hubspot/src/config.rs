//! Settings of the process.

use std::path::PathBuf;
use std::time::Duration;

use leads_runtime::delivery::{DeliveryConfig, LeadsConfig};
use leads_runtime::process::config::{
    self, Checks, ConfigProblems, OpsConfig, RedisConfig, Spec, TelemetryConfig, Validate,
};
use leads_runtime::vendor::ClientLimits;
use serde::{Deserialize, Serialize};

use crate::api::Endpoints;

/// Every key with its default.
pub const DEFAULTS: &str = include_str!("../config.toml");
/// Start of environment variables.
pub const ENV_PREFIX: &str = "CRM_HUBSPOT";

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

/// `[vendor]`: HubSpot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorConfig {
    /// Scheme and host.
    pub base_url: String,
    /// Contacts.
    pub object_path: String,
    /// Definitions of contact properties.
    pub property_path: String,
    /// Whose credential it is.
    pub account_path: String,
    /// Whether plain http will do.
    pub allow_http: bool,
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
    /// Addresses of the API.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            base_url: self.base_url.clone(),
            object_path: self.object_path.clone(),
            property_path: self.property_path.clone(),
            account_path: self.account_path.clone(),
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
        let url = self.base_url.parse::<http::Uri>().ok();
        let scheme = url.as_ref().and_then(http::Uri::scheme_str);
        let fits = scheme == Some("https") || (scheme == Some("http") && self.allow_http);
        checks.check(
            "base_url",
            fits,
            "must be an https URL, or an http one with vendor.allow_http",
        );
        let paths = [
            ("object_path", &self.object_path),
            ("property_path", &self.property_path),
            ("account_path", &self.account_path),
        ];
        for (key, path) in paths {
            checks.check(key, path.starts_with('/'), "must start with /");
        }
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
        load(&[("CRM_HUBSPOT__LEADS__CREDENTIAL", "ck_x")]).unwrap();
    }

    #[test]
    fn the_embedded_defaults_are_those_of_the_runtime() {
        let config = load(&[("CRM_HUBSPOT__LEADS__CREDENTIAL", "ck_x")]).unwrap();
        assert_eq!(
            serde_json::to_value(&config.delivery).unwrap(),
            serde_json::to_value(DeliveryConfig::default()).unwrap()
        );
        let limits = ClientLimits::default();
        assert_eq!(config.vendor.client_limits().total, limits.total);
        assert_eq!(config.vendor.client_limits().connect, limits.connect);
    }

    #[test]
    fn times_that_do_not_fit_each_other_are_refused_all_at_once() {
        let problems = load(&[
            ("CRM_HUBSPOT__LEADS__CREDENTIAL", "ck_x"),
            ("CRM_HUBSPOT__VENDOR__TIMEOUT_MS", "2000"),
            ("CRM_HUBSPOT__DELIVERY__TAKEOVER_MS", "3999"),
        ]);
        let problems = problems.unwrap_err().0;
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["delivery.takeover_ms", "vendor.connect_ms"]);
    }

    #[test]
    fn plain_http_has_to_be_allowed() {
        let http = ("CRM_HUBSPOT__VENDOR__BASE_URL", "http://127.0.0.1:1");
        let credential = ("CRM_HUBSPOT__LEADS__CREDENTIAL", "ck_x");
        assert_eq!(load(&[http, credential]).unwrap_err().0[0].key, "vendor.base_url");
        load(&[http, credential, ("CRM_HUBSPOT__VENDOR__ALLOW_HTTP", "true")]).unwrap();
    }
}

//! Sections that several processes have in common.

use std::net::SocketAddr;

use redis::IntoConnectionInfo;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::config::{Checks, Validate};
use crate::redact::SecretUrl;

/// `[telemetry]`: logs and traces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Shape of log lines.
    pub log_format: LogFormat,
    /// Directives of `tracing-subscriber`, such as `info,leads_svc=debug`.
    pub log_filter: String,
    /// OTLP/gRPC collector, such as `http://collector:4317`; empty exports nothing.
    pub otlp_endpoint: String,
    /// Name of this replica in traces and metrics; empty takes the host's name.
    pub service_instance: String,
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, with trace and span ids.
    Json,
    /// For people.
    Text,
}

/// `[ops]`: the operator's port.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Address of health, readiness and metrics.
    pub listen: SocketAddr,
}

/// `[redis]`: hints and quotas.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Such as `redis://:password@host:6379/0`.
    pub url: SecretUrl,
}

impl Validate for TelemetryConfig {
    fn validate(&self, checks: &mut Checks) {
        if let Err(error) = EnvFilter::try_new(&self.log_filter) {
            checks.check("log_filter", false, error.to_string());
        }
        let endpoint = &self.otlp_endpoint;
        let is_url = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        checks.check(
            "otlp_endpoint",
            endpoint.is_empty() || is_url,
            "must start with http:// or https://, or be empty",
        );
    }
}

impl Validate for OpsConfig {
    fn validate(&self, _checks: &mut Checks) {}
}

impl Validate for RedisConfig {
    fn validate(&self, checks: &mut Checks) {
        let is_url = self.url.expose().into_connection_info().is_ok();
        checks.check("url", is_url, "must be a URL such as redis://host:6379/0");
    }
}

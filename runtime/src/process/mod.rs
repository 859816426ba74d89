//! What makes a program a service: configuration, telemetry, shutdown, tasks and the operator's port.

pub mod config;
mod config_values;
pub mod health;
mod log_format;
mod panics;
mod sections;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;
pub mod trace;

/// Makes ring the process's TLS crypto provider. Call it first in `main` and before any vendor client is built; later
/// calls do nothing.
pub fn crypto_provider() {
    // An error says that a provider is installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

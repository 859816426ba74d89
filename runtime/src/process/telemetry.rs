//! Logs, traces and metrics of a process.

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Registry, TextEncoder};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::config::{LogFormat, TelemetryConfig};
use super::log_format::JsonLines;
use super::panics;
pub use super::trace::{add_link, inject, inject_current, set_parent_from};

/// Libraries whose spans and routine messages would drown ours, or would trace the export of traces.
const QUIET: [&str; 6] = ["h2", "hyper", "hyper_util", "opentelemetry", "tonic", "tower"];

/// What [`init`] has set up. Clones share it.
#[derive(Debug, Clone)]
pub struct Telemetry {
    metrics: Metrics,
    tracer: SdkTracerProvider,
}

/// OpenTelemetry instruments, rendered for Prometheus. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    provider: SdkMeterProvider,
}

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be parsed.
    #[error("telemetry.log_filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter of traces cannot be built.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The metrics exporter cannot be built.
    #[error("metrics: {0}")]
    Metrics(String),
    /// Telemetry was started before.
    #[error("telemetry is running already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logs, traces and metrics, and has panics logged. Call it once, within a tokio runtime.
///
/// # Errors
/// The configuration does not fit, or telemetry was started before.
pub fn init(service_name: &'static str, config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    let filter = QUIET
        .iter()
        .map(|name| format!("{name}=warn,"))
        .collect::<String>()
        + &config.log_filter;
    let log_filter = EnvFilter::try_new(filter)?;
    let resource = resource(service_name, &config.service_instance);
    let metrics = Metrics::new(resource.clone())?;

    let mut tracer = SdkTracerProvider::builder().with_resource(resource);
    if !config.otlp_endpoint.is_empty() {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&config.otlp_endpoint)
            .build()?;
        tracer = tracer.with_batch_exporter(exporter);
    }
    let tracer = tracer.build();

    // Spans exist whatever the log filter says: without them a trace breaks, and log lines have no trace id.
    let spans = QUIET
        .iter()
        .fold(Targets::new().with_default(LevelFilter::INFO), |targets, name| {
            targets.with_target(*name, LevelFilter::OFF)
        });
    let traces = tracing_opentelemetry::layer()
        .with_tracer(tracer.tracer(service_name))
        .with_location(false)
        .with_threads(false)
        .with_filter(spans);
    let logs = match config.log_format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer().with_ansi(false).boxed(),
    };
    tracing_subscriber::registry()
        .with(traces)
        .with(logs.with_filter(log_filter))
        .try_init()?;
    panics::log();
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_meter_provider(metrics.provider.clone());
    Ok(Telemetry { metrics, tracer })
}

impl Telemetry {
    /// A source of instruments.
    pub fn meter(&self) -> Meter {
        self.metrics.meter()
    }

    /// The metrics alone, for the operator's port.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// All metrics in Prometheus' text format.
    pub fn render_metrics(&self) -> String {
        self.metrics.render()
    }

    /// Sends what is buffered and stops. Blocks for a few seconds if the collector is away.
    pub fn shutdown(&self) {
        for result in [self.tracer.shutdown(), self.metrics.provider.shutdown()] {
            if let Err(error) = result {
                tracing::warn!(%error, "telemetry did not shut down cleanly");
            }
        }
    }
}

impl Metrics {
    /// Metrics without a process around them, for tests.
    ///
    /// # Errors
    /// The exporter cannot be built.
    pub fn standalone(service_name: &'static str) -> Result<Self, TelemetryError> {
        Self::new(resource(service_name, "test"))
    }

    fn new(resource: Resource) -> Result<Self, TelemetryError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|error| TelemetryError::Metrics(error.to_string()))?;
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(exporter)
            .build();
        Ok(Self { registry, provider })
    }

    /// A source of instruments.
    pub fn meter(&self) -> Meter {
        self.provider.meter("leads")
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| {
                tracing::error!(%error, "metrics cannot be rendered");
                String::new()
            })
    }
}

fn resource(service_name: &'static str, instance: &str) -> Resource {
    let instance = if instance.is_empty() {
        host_name()
    } else {
        instance.to_owned()
    };
    Resource::builder()
        .with_service_name(service_name)
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}

/// The host's name, which is the pod's in Kubernetes; `unknown` if it cannot be read.
pub fn host_name() -> String {
    let from_environment = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    from_environment
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruments_show_in_the_text_for_prometheus() {
        let metrics = Metrics::standalone("demo").unwrap();
        let counter = metrics.meter().u64_counter("leads.jobs").build();
        counter.add(3, &[KeyValue::new("state", "done")]);
        let text = metrics.render();
        assert!(text.contains("leads_jobs_total{state=\"done\"} 3"), "{text}");
        assert!(text.contains("service_name=\"demo\""), "{text}");
    }
}

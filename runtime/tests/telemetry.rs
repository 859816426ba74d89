//! Telemetry as a process sees it: one global subscriber, and a collector on the wire.

use std::sync::{Arc, Mutex};

use leads_runtime::process::config::{LogFormat, TelemetryConfig};
use leads_runtime::process::telemetry::{self, TelemetryError};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut exports = self.0.lock().map_err(|_| Status::internal("poisoned"))?;
        exports.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn config(otlp_endpoint: String) -> TelemetryConfig {
    TelemetryConfig {
        log_format: LogFormat::Json,
        log_filter: "warn".into(),
        otlp_endpoint,
        service_instance: "replica-1".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector_and_telemetry_starts_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let collector = Collector::default();
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(collector.clone()))
        .serve_with_incoming(TcpListenerStream::new(listener));
    let tasks = leads_runtime::process::tasks::TaskSet::new(Default::default());
    tasks.spawn("collector", server);

    let telemetry = telemetry::init("demo", &config(format!("http://{address}"))).unwrap();
    let traceparent = {
        let span = tracing::info_span!("capture");
        let _entered = span.enter();
        tracing::info_span!("store").in_scope(|| tracing::info!("not logged, still traced"));
        telemetry::inject_current().unwrap()
    };
    telemetry.meter().u64_counter("demo.captures").build().add(1, &[]);
    assert!(telemetry.render_metrics().contains("demo_captures_total"));
    let stopping = telemetry.clone();
    tokio::task::spawn_blocking(move || stopping.shutdown())
        .await
        .unwrap();

    let exported = collector.0.lock().unwrap();
    let resource = format!("{:?}", exported[0].resource_spans[0].resource);
    assert!(
        resource.contains("demo") && resource.contains("replica-1"),
        "{resource}"
    );
    let spans = exported
        .iter()
        .flat_map(|export| &export.resource_spans)
        .flat_map(|spans| &spans.scope_spans);
    let spans: Vec<_> = spans.flat_map(|scope| &scope.spans).collect();
    let trace_id = traceparent.split('-').nth(1).unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["store", "capture"], "the log filter does not cut traces");
    for span in spans {
        let hex: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, trace_id);
    }
    let again = telemetry::init("demo", &config(String::new()));
    assert!(matches!(again, Err(TelemetryError::Twice(_))));
}

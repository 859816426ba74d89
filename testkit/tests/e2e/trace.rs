//! One trace from the caller's span to the vendor's door, across both processes and the stream between them.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use leads_testkit::{
    captures,
    fakes::hubspot::{RequestFilter, Route},
    stack::{Stack, StackOptions},
    wait,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::{SYNC_LIMIT, collect};

/// A collector that keeps (service, trace id, span name).
#[derive(Clone, Debug, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Collector {
    /// Serves on a free port; answers its URL.
    async fn start() -> Result<(Self, String)> {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let service = TraceServiceServer::new(collector.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Ok((collector, url))
    }

    fn spans_of(&self, trace: &str) -> Vec<(String, String)> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans
            .iter()
            .filter(|(_, id, _)| id == trace)
            .map(|(service, _, name)| (service.clone(), name.clone()))
            .collect()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let attributes = resource
                .resource
                .map(|resource| resource.attributes)
                .unwrap_or_default();
            let service = attributes
                .iter()
                .find(|attribute| attribute.key == "service.name");
            let service = service
                .map(|attribute| format!("{:?}", attribute.value))
                .unwrap_or_default();
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let trace: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
                spans.push((service.clone(), trace, span.name));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn one_trace_runs_from_the_caller_to_the_vendor() -> Result<()> {
    let (collector, url) = Collector::start().await?;
    let options = StackOptions::default()
        .leads_env("LEADS_SVC__TELEMETRY__OTLP_ENDPOINT", &url)
        .connector_env("CRM_HUBSPOT__TELEMETRY__OTLP_ENDPOINT", &url);
    let mut stack = Stack::start_with(options).await?;
    let trace = uuid::Uuid::new_v4().simple().to_string();
    stack.clients = stack.clients.traced(&format!("00-{trace}-00f067aa0ba902b7-01"))?;
    let id = collect(&stack, captures::hot(&captures::address("trace"))).await?;
    stack.synced(&id, SYNC_LIMIT).await?;

    let filter = RequestFilter {
        route: Some(Route::BatchUpsert),
        key: Some(id.clone()),
        ..RequestFilter::default()
    };
    let written = stack.hubspot.requests(&filter);
    let seen = written
        .first()
        .and_then(|entry| entry.traceparent.clone())
        .context("the vendor saw no trace context")?;
    ensure!(
        seen.contains(&trace),
        "the vendor saw {seen}, the caller sent {trace}"
    );

    wait::until("spans of both processes", SYNC_LIMIT, async || {
        let spans = collector.spans_of(&trace);
        let from = |name: &str| spans.iter().any(|(service, _)| service.contains(name));
        Ok((from("leads-svc") && from("crm-hubspot")).then_some(()))
    })
    .await
    .with_context(|| format!("seen of the trace: {:?}", collector.spans_of(&trace)))
}

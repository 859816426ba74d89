//! The operator's port: liveness, readiness and metrics over HTTP, and grpc.health.v1.Health, all on one address.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::tasks::TaskSet;
use super::telemetry::Metrics;

/// gRPC health services that follow readiness: the process as a whole, and by name.
const READINESS_SERVICES: [&str; 2] = ["", "readiness"];
/// gRPC health service that serves for as long as the process does.
const LIVENESS_SERVICE: &str = "liveness";
/// How long open connections may linger once the process stops; health watches never end by themselves.
const LINGER: Duration = Duration::from_secs(1);

/// Named checks that must all hold for the process to be ready. Clones share them.
#[derive(Debug, Clone)]
pub struct Readiness {
    checks: Arc<watch::Sender<BTreeMap<&'static str, bool>>>,
}

impl Readiness {
    /// Starts with these checks failing; without any it is ready.
    pub fn new(checks: &[&'static str]) -> Self {
        let checks = checks.iter().map(|name| (*name, false)).collect();
        Self {
            checks: Arc::new(watch::Sender::new(checks)),
        }
    }

    /// Sets one check; a new name adds it.
    pub fn set(&self, name: &'static str, holds: bool) {
        let changed = self
            .checks
            .send_if_modified(|checks| checks.insert(name, holds) != Some(holds));
        if changed {
            tracing::info!(check = name, holds, ready = self.is_ready(), "readiness changed");
        }
    }

    /// Whether all checks hold.
    pub fn is_ready(&self) -> bool {
        self.checks.borrow().values().all(|holds| *holds)
    }

    /// Tells a gRPC health reporter of these services whether all checks hold, until `stop`; then that they do not serve.
    pub async fn report(self, reporter: HealthReporter, services: &[&'static str], stop: CancellationToken) {
        let mut changes = self.checks.subscribe();
        loop {
            let ready = self.is_ready() && !stop.is_cancelled();
            let status = if ready {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            for service in services {
                reporter.set_service_status(service, status).await;
            }
            if stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// Returns once all checks hold.
    pub async fn ready(&self) {
        // The sender lives as long as self, so waiting cannot fail.
        let _ = self
            .checks
            .subscribe()
            .wait_for(|checks| checks.values().all(|holds| *holds))
            .await;
    }
}

#[derive(Clone)]
struct Ops {
    readiness: Readiness,
    metrics: Metrics,
}

/// Serves the operator's port until the task set stops. Returns the bound address, so that port 0 can be asked for.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(
    listen: SocketAddr,
    readiness: Readiness,
    metrics: Metrics,
    tasks: &TaskSet,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status(LIVENESS_SERVICE, ServingStatus::Serving)
        .await;
    // Before the port is open: tonic's default is to serve.
    for service in READINESS_SERVICES {
        reporter
            .set_service_status(service, ServingStatus::NotServing)
            .await;
    }

    let app = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(Ops {
            readiness: readiness.clone(),
            metrics,
        })
        .merge(tonic::service::Routes::new(health).into_axum_router());

    let stop = tasks.stop_token();
    tasks.spawn("ops server", async move {
        let stopped = stop.clone();
        let server =
            axum::serve(listener, app).with_graceful_shutdown(async move { stopped.cancelled().await });
        tokio::select! {
            result = server => result,
            () = async { stop.cancelled().await; tokio::time::sleep(LINGER).await } => Ok(()),
        }
    });
    tasks.spawn(
        "health reporter",
        readiness.report(reporter, &READINESS_SERVICES, tasks.stop_token()),
    );
    tracing::info!(%address, "operator's port is open");
    Ok(address)
}

async fn readyz(State(ops): State<Ops>) -> impl IntoResponse {
    let checks = ops.readiness.checks.borrow().clone();
    let status = if checks.values().all(|holds| *holds) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(checks))
}

async fn render(State(ops): State<Ops>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        ops.metrics.render(),
    )
}

#[cfg(test)]
mod tests {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> (u16, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
    }

    #[tokio::test]
    async fn readiness_is_told_over_http_and_grpc_on_one_port() {
        let tasks = TaskSet::new(CancellationToken::new());
        let readiness = Readiness::new(&["redis", "storage"]);
        let metrics = Metrics::standalone("demo").unwrap();
        metrics.meter().u64_counter("demo.calls").build().add(1, &[]);
        let address = serve("127.0.0.1:0".parse().unwrap(), readiness.clone(), metrics, &tasks)
            .await
            .unwrap();

        assert_eq!(get(address, "/livez").await.0, 200);
        readiness.set("storage", true);
        assert_eq!(
            get(address, "/readyz").await,
            (503, "{\"redis\":false,\"storage\":true}".to_owned())
        );
        assert!(get(address, "/metrics").await.1.contains("demo_calls_total"));

        let mut client = HealthClient::new(
            tonic::transport::Endpoint::try_from(format!("http://{address}"))
                .unwrap()
                .connect_lazy(),
        );
        let mut watch = client
            .watch(HealthCheckRequest::default())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            watch.message().await.unwrap().unwrap().status,
            ServingStatus::NotServing as i32
        );
        readiness.set("redis", true);
        readiness.ready().await;
        assert_eq!(
            watch.message().await.unwrap().unwrap().status,
            ServingStatus::Serving as i32
        );
        assert_eq!(get(address, "/readyz").await.0, 200);
        let liveness = HealthCheckRequest {
            service: "liveness".to_owned(),
        };
        assert_eq!(
            client.check(liveness).await.unwrap().into_inner().status,
            ServingStatus::Serving as i32
        );

        tasks.stop_token().cancel();
        assert_eq!(
            watch.message().await.unwrap().unwrap().status,
            ServingStatus::NotServing as i32
        );
        assert_eq!(
            tasks.drain(Duration::from_secs(5)).await,
            Ok(()),
            "an open watch does not hold up the drain"
        );
    }
}

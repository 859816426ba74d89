//! The listener: one task per connection, a clean end, and connections that can be cut without an answer.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::control;
use super::options::HubspotOptions;
use super::simulation::Simulation;

/// How long a shutdown waits for answers under way.
const GRACE: Duration = Duration::from_secs(2);

/// A HubSpot on a loopback port. Dropping it stops it at once; [`Self::shutdown`] lets answers finish.
#[derive(Debug)]
pub struct HubspotServer {
    simulation: Arc<Simulation>,
    address: SocketAddr,
    kill: CancellationToken,
}

impl HubspotServer {
    /// Binds and serves.
    ///
    /// # Errors
    /// The port is taken, or two portals or tokens are the same.
    pub async fn start(options: HubspotOptions) -> anyhow::Result<Self> {
        let simulation = Simulation::new(&options)?;
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(wanted)
            .await
            .with_context(|| format!("bind {wanted}"))?;
        let address = listener.local_addr().context("address of the listener")?;
        let kill = CancellationToken::new();
        let router = control::router(Arc::clone(&simulation));
        simulation
            .tasks
            .spawn(accept(listener, Arc::clone(&simulation), router, kill.clone()));
        Ok(Self {
            simulation,
            address,
            kill,
        })
    }

    /// Where the connector's base URL points, without a final slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Root of the control API.
    pub fn control_url(&self) -> String {
        format!("http://{}/_sim", self.address)
    }

    /// The simulation, for tasks that outlive a borrow of the server.
    pub fn simulation(&self) -> Arc<Simulation> {
        Arc::clone(&self.simulation)
    }

    /// Stops accepting, lets answers finish for 2 s, then closes what is left. Hung requests are cut, late
    /// applications are dropped.
    pub async fn shutdown(self) {
        self.simulation.stop.cancel();
        self.simulation.tasks.close();
        if tokio::time::timeout(GRACE, self.simulation.tasks.wait())
            .await
            .is_err()
        {
            self.kill.cancel();
            self.simulation.tasks.wait().await;
        }
    }
}

impl Deref for HubspotServer {
    type Target = Simulation;

    fn deref(&self) -> &Simulation {
        &self.simulation
    }
}

impl Drop for HubspotServer {
    fn drop(&mut self) {
        self.simulation.stop.cancel();
        self.kill.cancel();
    }
}

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("cut by the script")
    }
}

impl std::error::Error for Cut {}

async fn accept(
    listener: TcpListener,
    simulation: Arc<Simulation>,
    control: Router,
    kill: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors or the like: the next accept may do better.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            () = simulation.stop.cancelled() => return,
        };
        let connection = connection(stream, Arc::clone(&simulation), control.clone(), kill.clone());
        simulation.tasks.spawn(connection);
    }
}

async fn connection(
    stream: TcpStream,
    simulation: Arc<Simulation>,
    control: Router,
    kill: CancellationToken,
) {
    // Without it small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let stop = simulation.stop.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (simulation, control) = (Arc::clone(&simulation), control.clone());
        async move {
            answer(&simulation, control, request.map(Body::new))
                .await
                .ok_or(Cut)
        }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(http);
    let mut stopping = false;
    loop {
        tokio::select! {
            // A client that hangs up and a cut connection both end here; neither is news.
            _ = &mut http => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                http.as_mut().graceful_shutdown();
            }
            () = kill.cancelled() => return,
        }
    }
}

async fn answer(simulation: &Arc<Simulation>, control: Router, request: Request) -> Option<Response> {
    if request.uri().path().starts_with("/_sim") {
        let response: Result<Response, Infallible> = control.oneshot(request).await;
        return response.ok();
    }
    simulation.serve(request).await
}

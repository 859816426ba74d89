//! The listener of a simulated vendor: one task per connection, a clean end, and connections that can be cut without
//! an answer.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
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
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long a shutdown waits for answers under way.
const GRACE: Duration = Duration::from_secs(2);

/// What answers.
pub(super) trait Vendor: Send + Sync + 'static {
    /// Ends what waits.
    fn stop(&self) -> &CancellationToken;

    /// What is under way.
    fn tasks(&self) -> &TaskTracker;

    /// Answers one request; none means that the connection is to be closed.
    fn serve(self: &Arc<Self>, request: Request) -> impl Future<Output = Option<Response>> + Send;
}

/// A vendor on a loopback port. Dropping it stops it at once; [`Self::shutdown`] lets answers finish.
#[derive(Debug)]
pub(super) struct Listener<V: Vendor> {
    vendor: Arc<V>,
    address: SocketAddr,
    kill: CancellationToken,
}

impl<V: Vendor> Listener<V> {
    /// Binds and serves; `control` answers everything under `/_sim`. Port 0 picks a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub(super) async fn start(port: u16, vendor: Arc<V>, control: Router) -> anyhow::Result<Self> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(wanted)
            .await
            .with_context(|| format!("bind {wanted}"))?;
        let address = listener.local_addr().context("address of the listener")?;
        let kill = CancellationToken::new();
        vendor
            .tasks()
            .spawn(accept(listener, Arc::clone(&vendor), control, kill.clone()));
        Ok(Self {
            vendor,
            address,
            kill,
        })
    }

    /// Scheme, host and port, without a final slash.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What answers.
    pub(super) fn vendor(&self) -> &Arc<V> {
        &self.vendor
    }

    /// Stops accepting, lets answers finish for 2 s, then closes what is left.
    pub(super) async fn shutdown(self) {
        self.vendor.stop().cancel();
        self.vendor.tasks().close();
        if tokio::time::timeout(GRACE, self.vendor.tasks().wait())
            .await
            .is_err()
        {
            self.kill.cancel();
            self.vendor.tasks().wait().await;
        }
    }
}

impl<V: Vendor> Drop for Listener<V> {
    fn drop(&mut self) {
        self.vendor.stop().cancel();
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

async fn accept<V: Vendor>(listener: TcpListener, vendor: Arc<V>, control: Router, kill: CancellationToken) {
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
            () = vendor.stop().cancelled() => return,
        };
        let connection = connection(stream, Arc::clone(&vendor), control.clone(), kill.clone());
        vendor.tasks().spawn(connection);
    }
}

async fn connection<V: Vendor>(stream: TcpStream, vendor: Arc<V>, control: Router, kill: CancellationToken) {
    // Without it small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let stop = vendor.stop().clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (vendor, control) = (Arc::clone(&vendor), control.clone());
        async move { answer(&vendor, control, request.map(Body::new)).await.ok_or(Cut) }
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

async fn answer<V: Vendor>(vendor: &Arc<V>, control: Router, request: Request) -> Option<Response> {
    if request.uri().path().starts_with("/_sim") {
        let response: Result<Response, Infallible> = control.oneshot(request).await;
        return response.ok();
    }
    vendor.serve(request).await
}

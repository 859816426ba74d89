//! The doors: accepts connections within the limits and sends each request to gRPC, gRPC-web or REST.
//!
//! One port speaks HTTP/1.1 and HTTP/2 without TLS; the content type decides what a request is. What must hold: a
//! peer that stays silent, floods or never ends costs one bounded place, and stopping takes no longer than the drain
//! time.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use leads_proto::reason::Reason;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, transport::server::TcpConnectInfo};
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt, service_fn};

use super::{
    layers::{Calls, Limits, opening::Opening, seats::Seats, trace, unread},
    status::refuse,
};

/// Pause after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes that a peer may send on one stream before we read them.
const STREAM_WINDOW: u32 = 128 * 1024;

/// Bytes that a peer may send on one connection before we read them.
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// A bound port.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

/// Sends `application/grpc*` to `grpc`, with gRPC-web translated, and everything else to `rest`; a door without REST
/// answers everything as gRPC does. Gives each request its span.
pub fn route(grpc: Calls, rest: Option<Calls>) -> Calls {
    let web = Calls::new(GrpcWebLayer::new().layer(grpc.clone()));
    let routed = Calls::new(service_fn(move |request: Request<Body>| {
        let (grpc, web, rest) = (grpc.clone(), web.clone(), rest.clone());
        async move {
            let is_http1 = request.version() < Version::HTTP_2;
            let is_chunked = is_http1 && request.headers().contains_key(header::TRANSFER_ENCODING);
            let Ok(mut response) = match (kind(&request), rest) {
                (Kind::Web, _) => web.oneshot(request).await,
                (Kind::Rest, Some(rest)) => rest.oneshot(request).await,
                (Kind::Native, _) if is_http1 => Ok(needs_http2()),
                (Kind::Native | Kind::Rest, _) => grpc.oneshot(request).await,
            };
            if is_chunked {
                // The parser has dropped a content-length beside it, by which a proxy may have cut the stream
                // elsewhere: what follows on this connection is not to be trusted.
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(unread::kept(response))
        }
    }));
    trace::traced(routed)
}

impl Door {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that clients reach.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled and the calls at work have ended or the drain time is over.
    pub async fn serve(self, calls: Calls, limits: Limits, stop: CancellationToken) {
        let builder = Arc::new(builder(&limits));
        let limits = Arc::new(limits);
        let seats = Seats::new(limits.connections, limits.connections_per_address);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(error = %error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(seat) = seats.take(peer.ip().to_canonical()) else {
                tracing::debug!("connection refused: too many are open");
                continue;
            };
            let connection = Connection {
                builder: builder.clone(),
                calls: calls.clone(),
                limits: limits.clone(),
                stop: stop.clone(),
                info: TcpConnectInfo {
                    local_addr: Some(self.address),
                    remote_addr: Some(peer),
                },
            };
            connections.spawn(async move {
                connection.run(stream).await;
                drop(seat);
            });
        }
        drop(self.listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.drain, drained).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "drain time is over, cutting connections"
            );
            connections.shutdown().await;
        }
    }
}

enum Kind {
    Native,
    Web,
    Rest,
}

fn kind(request: &Request<Body>) -> Kind {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    match content_type.strip_prefix(b"application/grpc") {
        Some(b"-web" | b"-web+proto" | b"-web-text" | b"-web-text+proto")
            if request.method() == Method::POST =>
        {
            Kind::Web
        }
        // The translator would answer other verbs itself, without a reason.
        Some(suffix) if suffix.starts_with(b"-web") => Kind::Rest,
        Some(_) => Kind::Native,
        None => Kind::Rest,
    }
}

/// The answer to gRPC over HTTP/1, which has no trailers to carry a status in.
fn needs_http2() -> Response<Body> {
    let status = refuse(
        Reason::UnsupportedMediaType,
        "gRPC needs HTTP/2; over HTTP/1.1 use gRPC-web or JSON",
    );
    let mut response = status.into_http::<Body>();
    *response.status_mut() = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.http1_idle)
        .max_buf_size(limits.header_list_bytes as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_list_bytes)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
}

/// What one connection is served with.
struct Connection {
    builder: Arc<auto::Builder<TokioExecutor>>,
    calls: Calls,
    limits: Arc<Limits>,
    stop: CancellationToken,
    info: TcpConnectInfo,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        // Without it small answers wait for the peer's acknowledgement; a peer that is gone shows itself below.
        let _ = stream.set_nodelay(true);
        let Self {
            builder,
            calls,
            limits,
            stop,
            info,
        } = self;
        let service = service_fn(move |request: Request<Incoming>| {
            let (calls, info) = (calls.clone(), info.clone());
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(info);
                let answer: Result<Response<Body>, Infallible> = calls.oneshot(request).await;
                answer
            }
        });
        let io = TokioIo::new(Opening::new(stream, limits.opening));
        let mut connection = pin!(builder.serve_connection(io, TowerToHyperService::new(service)));
        let age = limits.connection_age.mul_f64(rand::random_range(0.9..1.1));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = stop.cancelled() => None,
            () = sleep(age) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                let Ok(ended) = tokio::time::timeout(limits.connection_grace, connection).await else {
                    return;
                };
                ended
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = %error, "connection ended with an error");
        }
    }
}

//! The client against servers that redirect, flood, cut and hang.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Redirect;
use axum::routing::get;
use futures::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::process::tasks::TaskSet;

fn client() -> VendorClient {
    let limits = ClientLimits {
        total: Duration::from_secs(2),
        body: 64 * 1024,
        allow_http: true,
        ..ClientLimits::default()
    };
    VendorClient::new(limits).unwrap()
}

fn request(url: String) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskSet::new(CancellationToken::new()).spawn("vendor", async move { axum::serve(listener, app).await });
    address
}

/// A server that reads a request and answers with these bytes, then closes the connection.
async fn serve_bytes(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskSet::new(CancellationToken::new()).spawn("vendor", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    address
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = visits.clone();
    let app = Router::new()
        .route("/from", get(|| async { Redirect::temporary("/to") }))
        .route(
            "/to",
            get(move || async move { counted.fetch_add(1, Ordering::SeqCst).to_string() }),
        );
    let address = serve(app).await;
    let response = client()
        .send(request(format!("http://{address}/from")))
        .await
        .unwrap();
    assert_eq!(response.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.header("location"), Some("/to"));
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn bodies_are_cut_off_with_and_without_an_announced_length() {
    let endless =
        || async { Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 8192]))) };
    let app = Router::new()
        .route("/announced", get(|| async { vec![b'x'; 64 * 1024 + 1] }))
        .route("/exact", get(|| async { vec![b'x'; 64 * 1024] }))
        .route("/endless", get(endless));
    let address = serve(app).await;
    for path in ["announced", "endless"] {
        let answer = client().send(request(format!("http://{address}/{path}"))).await;
        let limit = 64 * 1024;
        assert_eq!(
            answer.unwrap_err(),
            TransportError::TooLarge {
                status: StatusCode::OK,
                limit
            },
            "{path}"
        );
    }
    let exact = client()
        .send(request(format!("http://{address}/exact")))
        .await
        .unwrap();
    assert_eq!(exact.body.len(), 64 * 1024);
}

#[tokio::test]
async fn what_may_have_taken_effect_is_told_from_what_cannot() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let refused = client()
        .send(request(format!("http://{closed}/secret-path")))
        .await
        .unwrap_err();
    assert!(matches!(refused, TransportError::NotSent(_)), "{refused:?}");
    assert!(!refused.to_string().contains("secret-path"), "{refused}");

    let garbage: [&'static [u8]; 3] = [
        b"",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
    ];
    for answer in garbage {
        let address = serve_bytes(answer).await;
        let cut = client()
            .send(request(format!("http://{address}/")))
            .await
            .unwrap_err();
        assert!(matches!(cut, TransportError::Unknown(_)), "{cut:?}");
    }

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let hung = client()
        .send(request(format!("http://{address}/")))
        .await
        .unwrap_err();
    assert!(matches!(hung, TransportError::Unknown(_)), "{hung:?}");
}

#[tokio::test]
async fn plain_http_is_refused_unless_it_is_allowed() {
    let strict = VendorClient::new(ClientLimits::default()).unwrap();
    let address = serve(Router::new().route("/", get(|| async { "hello" }))).await;
    let refused = strict
        .send(request(format!("http://{address}/")))
        .await
        .unwrap_err();
    assert_eq!(refused, TransportError::NotSent("only https is allowed".into()));
    let response = client()
        .send(request(format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(response.body, "hello");
}

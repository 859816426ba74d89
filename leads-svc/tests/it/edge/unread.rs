//! Answers that nobody reads cost bounded places, for a bounded time.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use leads_proto::leads::v1::GetLeadRequest;
use leads_svc::grpc::layers::Limits;
use tokio::net::TcpStream;
use tonic::Code;

use super::{
    client::{connect, frame, open, prefixed, send},
    door,
};

const GET: &str = "/leads.v1.LeadsService/GetLead";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

fn get(id: &str) -> Bytes {
    frame(&GetLeadRequest {
        lead_id: id.to_owned(),
    })
}

/// A connection whose peer takes heads and no bodies.
async fn deaf(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let handshake = builder.initial_window_size(0).handshake(stream);
    let (client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    client
}

/// Asks and waits for the head of the answer; its body stays where it is for as long as this is kept.
async fn ask(
    client: &SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
) -> http::Response<h2::RecvStream> {
    let (response, mut stream): (ResponseFuture, _) = open(client, request).await;
    stream.send_data(body, true).unwrap();
    response.await.unwrap()
}

fn overloaded() -> (Code, String) {
    (Code::ResourceExhausted, "OVERLOADED".to_owned())
}

#[tokio::test]
async fn an_answer_that_nobody_reads_keeps_its_place_until_its_time_is_over() {
    let served = door::serve_with(Limits {
        calls_per_key: 1,
        default_deadline: Duration::from_millis(100),
        reading: Duration::from_secs(2),
        ..Limits::default()
    })
    .await;
    let deaf = deaf(served.address).await;
    let _unread = ask(&deaf, served.call(GET), get("a")).await;
    let refused = send(served.address, served.call(GET), get("b")).await;
    assert_eq!(refused.refusal(), overloaded());
    let give_up = tokio::time::Instant::now() + Duration::from_secs(20);
    while send(served.address, served.call(GET), get("b")).await.refusal().0 != Code::Ok {
        assert!(
            tokio::time::Instant::now() < give_up,
            "the place is never free again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_in_bytes() {
    let served = door::serve().await;
    let size = send(served.address, served.call(GET), get("a")).await.body.len();
    let served = door::serve_with(Limits {
        answer_bytes: size * 2 - 1,
        ..Limits::default()
    })
    .await;
    let deaf = deaf(served.address).await;
    let unread = ask(&deaf, served.call(GET), get("a")).await;
    let refused = send(served.address, served.call(GET), get("a")).await;
    assert_eq!(refused.refusal(), overloaded());
    let plain = served.rest("GET /v1/leads/a", &[], "").await;
    assert_eq!(plain.problem(), (429, "OVERLOADED".to_owned()));
    // Whoever gives up frees what is left of the answer.
    drop((unread, deaf));
    let give_up = tokio::time::Instant::now() + Duration::from_secs(20);
    while send(served.address, served.call(GET), get("a")).await.refusal().0 != Code::Ok {
        assert!(
            tokio::time::Instant::now() < give_up,
            "the bytes are never free again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn open_streams_have_places_of_their_own_and_keep_them() {
    let served = door::serve_with(Limits {
        open_calls: 1,
        open_streams: 1,
        ..Limits::default()
    })
    .await;
    let client = connect(served.address).await;
    let _watched = ask(&client, served.call(WATCH), prefixed(0, b"")).await;
    let check = served.call("/grpc.health.v1.Health/Check");
    assert_eq!(
        send(served.address, check, prefixed(0, b"")).await.refusal().0,
        Code::Ok
    );
    let second = send(served.address, served.call(WATCH), prefixed(0, b"")).await;
    assert_eq!(second.refusal(), overloaded());
}

//! Connections: silent, foreign, too many, and those that are open when the process stops.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use leads_proto::leads::v1 as pb;
use leads_svc::grpc::layers::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::Code;

use super::{
    client::{COLLECT, GET, connect, frame, open, prefixed, raw, read, send},
    door::{self, Served, until},
};

fn get(id: &str) -> Bytes {
    frame(&pb::GetLeadRequest {
        lead_id: id.to_owned(),
    })
}

async fn assert_healthy(served: &Served) {
    assert_eq!(
        send(served.address, served.call(GET), get("a")).await.refusal().0,
        Code::Ok
    );
}

/// Whether the peer ends the connection within two seconds.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer))
        .await
        .is_ok()
}

#[tokio::test]
async fn silent_and_slow_peers_are_closed() {
    let served = door::serve_with(Limits {
        opening: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    for begin in [
        &b""[..],
        b"PRI * HTTP/2.0\r\n",
        b"GET /v1/leads HTTP/1.1\r\nhost: a\r\n",
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(begin).await.unwrap();
        assert!(is_closed(&mut stream).await, "{}", String::from_utf8_lossy(begin));
    }
    assert_healthy(&served).await;
}

#[tokio::test]
async fn a_quiet_connection_stays_after_its_preface() {
    let served = door::serve_with(Limits {
        opening: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let client = connect(served.address).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (response, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(get("a"), true).unwrap();
    assert_eq!(read(response).await.unwrap().refusal().0, Code::Ok);
}

#[tokio::test]
async fn foreign_protocols_are_closed() {
    let served = door::serve().await;
    let hello = [
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03][..],
        &[7; 500],
    ]
    .concat();
    let noise: Vec<u8> = (0..1_u32 << 20)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for bytes in [hello, noise] {
        let start = Instant::now();
        let answer = raw(served.address, &bytes).await;
        assert!(answer.is_none_or(|answer| answer.status == 400));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    assert_healthy(&served).await;
}

#[tokio::test]
async fn grpc_over_http1_is_refused_and_closed() {
    let served = door::serve().await;
    let line = format!("POST {COLLECT}");
    let answer = served
        .rest(&line, &[("content-type", "application/grpc")], prefixed(0, b""))
        .await;
    assert_eq!((answer.status, answer.header("connection")), (505, Some("close")));
}

#[tokio::test]
async fn metadata_that_http2_forbids_is_a_protocol_error() {
    let served = door::serve().await;
    for (name, value) in [
        (&b"x-nul"[..], &b"a\0b"[..]),
        (b"X-Upper", b"a"),
        (b"x-line", b"a\nb"),
    ] {
        let mut block = vec![0x83, 0x86];
        for (name, value) in [(&b":path"[..], GET.as_bytes()), (name, value)] {
            block.push(0x00);
            block.push(name.len() as u8);
            block.extend_from_slice(name);
            block.push(value.len() as u8);
            block.extend_from_slice(value);
        }
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[0, 0, block.len() as u8, 1, 5, 0, 0, 0, 1]);
        bytes.extend_from_slice(&block);
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(
            protocol_error(&mut stream).await,
            Some(1),
            "{}",
            String::from_utf8_lossy(name)
        );
    }
    assert_eq!(served.seen.started(), 0);
    assert_healthy(&served).await;
}

/// Code of the first RST_STREAM or GOAWAY that comes.
async fn protocol_error(stream: &mut TcpStream) -> Option<u32> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        let code = match head[3] {
            3 => payload.first_chunk::<4>(),
            7 => payload[4..].first_chunk::<4>(),
            _ => continue,
        };
        return code.map(|code| u32::from_be_bytes(*code));
    }
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let served = door::serve().await;
    let stream = TcpStream::connect(served.address).await.unwrap();
    // A client that does not keep the limit which the server names.
    let mut builder = h2::client::Builder::new();
    builder.initial_max_send_streams(200);
    let (client, connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
    let mut client = client.ready().await.unwrap();
    let mut calls = Vec::new();
    for _ in 0..120 {
        let (response, mut stream) = client.send_request(served.call(GET), false).unwrap();
        stream.send_data(get("slow"), true).unwrap();
        calls.push((response, stream));
    }
    tokio::spawn(connection);
    until("as many handlers run as may", || served.seen.started() >= 100).await;
    let mut refused = 0;
    for (response, _stream) in calls.drain(100..) {
        let error = read(response).await.expect_err("more streams than the limit");
        assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
        refused += 1;
    }
    assert_eq!((refused, served.seen.started()), (20, 100));
    served.seen.go.notify_waiters();
    for (response, _stream) in calls {
        assert_eq!(read(response).await.unwrap().refusal().0, Code::Ok);
    }
}

#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let served = door::serve_with(Limits {
        connections_per_address: 2,
        ..Limits::default()
    })
    .await;
    let first = connect(served.address).await;
    let second = connect(served.address).await;
    for client in [&first, &second] {
        let (response, mut stream) = open(client, served.call(GET)).await;
        stream.send_data(get("a"), true).unwrap();
        read(response).await.unwrap();
    }
    let mut third = TcpStream::connect(served.address).await.unwrap();
    assert!(is_closed(&mut third).await);
    drop((first, second));
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = raw(
            served.address,
            b"GET /openapi.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .await;
        if answer.is_some_and(|answer| answer.status == 200) {
            break;
        }
        assert!(Instant::now() < end, "no place became free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn calls_at_work_end_before_the_door_closes() {
    let served = door::serve().await;
    let client = connect(served.address).await;
    let (response, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(get("slow"), true).unwrap();
    until("the handler runs", || served.seen.started() == 1).await;
    served.stop.cancel();
    let refused = async { while TcpStream::connect(served.address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(5), refused)
        .await
        .expect("the port is closed");
    served.seen.go.notify_one();
    assert_eq!(read(response).await.unwrap().refusal().0, Code::Ok);
    tokio::time::timeout(Duration::from_secs(5), served.served)
        .await
        .expect("the door is closed")
        .unwrap();
}

#[tokio::test]
async fn a_silent_peer_cannot_hold_the_door_open() {
    let served = door::serve_with(Limits {
        drain: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let client = connect(served.address).await;
    let (_response, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(get("slow"), true).unwrap();
    until("the handler runs", || served.seen.started() == 1).await;
    served.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), served.served)
        .await
        .expect("the door is closed")
        .unwrap();
}

#[tokio::test]
async fn old_connections_are_asked_to_close() {
    let limits = Limits {
        connection_age: Duration::from_millis(100),
        ..Limits::default()
    };
    let served = door::serve_with(limits).await;
    let stream = TcpStream::connect(served.address).await.unwrap();
    let (_client, connection) = h2::client::handshake(stream).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), connection).await;
    assert!(ended.is_ok(), "the server did not end the connection");
    assert_healthy(&served).await;
}

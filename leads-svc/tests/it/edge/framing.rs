//! Bodies of unary calls, and the protobuf inside.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use leads_proto::leads::v1 as pb;
use prost::Message;
use tonic::Code;

use super::{
    client::{Answer, COLLECT, GET, connect, frame, open, prefixed, read, send},
    door,
};

const MALFORMED: (Code, &str) = (Code::InvalidArgument, "MALFORMED_REQUEST");
const TOO_LARGE: (Code, &str) = (Code::ResourceExhausted, "MESSAGE_TOO_LARGE");

fn get(id: &str) -> Bytes {
    frame(&pb::GetLeadRequest {
        lead_id: id.to_owned(),
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send_gzip(served: &door::Served, body: Bytes) -> Answer {
    let mut request = served.call(GET);
    request
        .headers_mut()
        .insert("grpc-encoding", "gzip".parse().unwrap());
    send(served.address, request, body).await
}

#[track_caller]
fn assert_refused(answer: &Answer, expected: (Code, &str)) {
    let (code, reason) = answer.refusal();
    assert_eq!((code, reason.as_str()), expected, "{answer:?}");
    let text = answer.status.as_ref().unwrap().message();
    assert!(
        !text.contains("pb::") && !text.contains("Lead") && !text.contains("prost"),
        "{text}"
    );
}

#[tokio::test]
async fn messages_longer_than_the_limit_are_refused_before_they_are_read() {
    let served = door::serve().await;
    let body = prefixed(0, &vec![0; (4 << 20) + 1]);
    assert_refused(&send(served.address, served.call(GET), body).await, TOO_LARGE);

    let client = connect(served.address).await;
    let (response, mut stream) = open(&client, served.call(GET)).await;
    stream
        .send_data(Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]), false)
        .unwrap();
    // The stream stays open: the answer must not wait for its end.
    assert_refused(&read(response).await.unwrap(), TOO_LARGE);
}

#[tokio::test]
async fn the_largest_message_is_taken() {
    let served = door::serve().await;
    let mut request = pb::AppendConversationRequest {
        lead_id: "a".into(),
        ..Default::default()
    };
    request.messages = vec![
        pb::Message {
            text: "x".repeat(1 << 20),
            ..Default::default()
        };
        3
    ];
    let rest = (4 << 20) - request.encoded_len();
    request.messages.push(pb::Message {
        text: "x".repeat(rest - 12),
        ..Default::default()
    });
    request.request_id = "x".repeat((4 << 20) - request.encoded_len() - 2);
    assert_eq!(request.encoded_len(), 4 << 20);
    let client = connect(served.address).await;
    let (response, mut stream) =
        open(&client, served.call("/leads.v1.LeadsService/AppendConversation")).await;
    stream.send_data(frame(&request), true).unwrap();
    let answer = read(response).await.unwrap();
    assert_eq!(answer.message::<pb::AppendConversationResponse>().appended, 4);
}

#[tokio::test]
async fn bodies_that_are_not_one_whole_message_are_refused() {
    let served = door::serve().await;
    let two = [get("a"), get("b")].concat();
    for (name, body) in [
        ("empty", vec![]),
        ("half a prefix", vec![0, 0, 0]),
        ("half a message", vec![0, 0, 0, 0, 9, 1, 2]),
        ("two messages", two),
        ("a message and a byte", [&get("a")[..], b"x"].concat()),
        ("compressed without an encoding", prefixed(1, &gzip(b"")).to_vec()),
        ("flag 7", prefixed(7, b"").to_vec()),
    ] {
        let answer = send(served.address, served.call(GET), body).await;
        assert_eq!(answer.refusal(), (MALFORMED.0, MALFORMED.1.to_owned()), "{name}");
    }
    assert_eq!(served.seen.started(), 0);
}

#[tokio::test]
async fn gzip_is_read_and_bounded() {
    let served = door::serve().await;
    let plain = pb::GetLeadRequest {
        lead_id: "a".repeat(300),
    }
    .encode_to_vec();
    let answer = send_gzip(&served, prefixed(1, &gzip(&plain))).await;
    assert_eq!(answer.message::<pb::Lead>().id, "a".repeat(300));
    let answer = send_gzip(&served, prefixed(0, &plain)).await;
    assert_eq!(answer.message::<pb::Lead>().id, "a".repeat(300));

    let mut cut = gzip(&plain);
    cut.truncate(cut.len() - 9);
    for body in [
        b"not gzip at all".to_vec(),
        cut,
        [gzip(&plain), b"tail".to_vec()].concat(),
    ] {
        assert_refused(&send_gzip(&served, prefixed(1, &body)).await, MALFORMED);
    }
    let bomb = gzip(&vec![0; 16 << 20]);
    assert!(bomb.len() < 32 << 10);
    assert_refused(&send_gzip(&served, prefixed(1, &bomb)).await, TOO_LARGE);
}

#[tokio::test]
async fn protobuf_that_cannot_be_read_is_malformed() {
    let served = door::serve().await;
    let mut deep = vec![0x0a, 0x01, b'x'];
    for _ in 0..150 {
        // An unknown group that holds the next one.
        deep.insert(0, 0xfb);
        deep.insert(1, 0x3e);
    }
    for (name, message) in [
        ("wrong wire type", vec![0x08, 0x01]),
        (
            "varint without end",
            vec![
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
        ),
        ("length past the end", vec![0x0a, 0x7f, b'x']),
        ("invalid UTF-8", vec![0x0a, 0x02, 0xc3, 0x28]),
        ("field number 0", vec![0x02, 0x01, 0x00]),
        ("nested too deep", deep),
    ] {
        let answer = send(served.address, served.call(GET), prefixed(0, &message)).await;
        assert_refused(&answer, MALFORMED);
        assert_eq!(served.seen.started(), 0, "{name}");
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let served = door::serve().await;
    let mut message = pb::CollectLeadRequest {
        channel: 1,
        ..Default::default()
    }
    .encode_to_vec();
    message.extend_from_slice(&[0xfa, 0x3e, 0x03, b'n', b'e', b'w']);
    let answer = send(served.address, served.call(COLLECT), prefixed(0, &message)).await;
    let answer: pb::CollectLeadResponse = answer.message();
    assert_eq!(answer.lead.unwrap().channel, 1);
}

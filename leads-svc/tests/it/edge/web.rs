//! gRPC-web, as browsers speak it over HTTP/1.1.

use leads_proto::leads::v1 as pb;
use prost::Message;

use super::{
    client::{GET, frame},
    door,
};

#[tokio::test]
async fn grpc_web_is_answered_over_http1() {
    let served = door::serve().await;
    let headers = [("content-type", "application/grpc-web+proto")];
    let body = frame(&pb::GetLeadRequest {
        lead_id: "lead_1".into(),
    });
    let answer = served.rest(&format!("POST {GET}"), &headers, body).await;
    assert_eq!(answer.status, 200);
    let body = dechunked(&answer.body);
    let length = u32::from_be_bytes(*body[1..].first_chunk().unwrap()) as usize;
    let lead = pb::Lead::decode(&body[5..5 + length]).unwrap();
    assert_eq!(lead.id, "lead_1");
    let trailers = String::from_utf8_lossy(&body[5 + length + 5..]).into_owned();
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn grpc_web_refusals_carry_a_reason() {
    let served = door::serve().await;
    let headers = [
        ("content-type", "application/grpc-web+proto"),
        ("authorization", ""),
    ];
    let answer = served
        .rest(
            &format!("POST {GET}"),
            &headers,
            frame(&pb::GetLeadRequest::default()),
        )
        .await;
    assert_eq!(answer.header("grpc-status"), Some("16"));
    assert!(answer.header("grpc-status-details-bin").is_some());
    let answer = served
        .rest(
            &format!("GET {GET}"),
            &[("content-type", "application/grpc-web")],
            "",
        )
        .await;
    assert_eq!(answer.problem(), (405, "METHOD_NOT_ALLOWED".into()));
}

/// The body without HTTP/1.1's chunks.
fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        bytes.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 2 + length + 2..];
    }
    bytes
}

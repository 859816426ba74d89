//! Heads of calls: methods, verbs, content types, encodings, deadlines, keys; and handlers that fail.

use std::{sync::atomic::Ordering, time::Duration};

use http::{HeaderValue, Method};
use leads_proto::leads::v1 as pb;
use leads_svc::grpc::layers::Limits;
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    client::{Answer, COLLECT, GET, connect, frame, open, prefixed, raw, read, send},
    door::{self, until},
};

fn get(id: &str) -> bytes::Bytes {
    frame(&pb::GetLeadRequest {
        lead_id: id.to_owned(),
    })
}

async fn with_header(served: &door::Served, name: &'static str, value: &str) -> Answer {
    let mut request = served.call(GET);
    request.headers_mut().insert(name, value.parse().unwrap());
    send(served.address, request, get("a")).await
}

#[tokio::test]
async fn unknown_methods_are_unimplemented() {
    let served = door::serve().await;
    for path in [
        "/leads.v1.LeadsService/Unknown",
        "/leads.v1.Unknown/GetLead",
        "//",
        "/leads.v1.LeadsService/../leads.v1.LeadsService/GetLead",
        "/leads.connector.v1.ConnectorService/ClaimJobs",
        "/",
    ] {
        let answer = send(served.address, served.call(path), get("a")).await;
        assert_eq!(
            answer.refusal(),
            (Code::Unimplemented, "UNKNOWN_METHOD".into()),
            "{path}"
        );
    }
    let answer = send(
        served.address,
        served.call("/leads.v1.LeadsService/ListScores"),
        prefixed(0, b""),
    )
    .await;
    assert_eq!(answer.refusal(), (Code::Unimplemented, "UNKNOWN_METHOD".into()));
}

#[tokio::test]
async fn other_verbs_are_not_allowed() {
    let served = door::serve().await;
    for verb in [Method::GET, Method::PUT, Method::DELETE] {
        let mut request = served.call(GET);
        *request.method_mut() = verb;
        let answer = send(served.address, request, get("a")).await;
        assert_eq!(
            (answer.http_status, answer.headers["allow"].as_bytes()),
            (405, &b"POST"[..])
        );
        assert_eq!(answer.refusal().1, "METHOD_NOT_ALLOWED");
    }
    let plain = served.rest(&format!("GET {GET}"), &[], "").await;
    assert_eq!(plain.problem(), (405, "METHOD_NOT_ALLOWED".into()));
}

#[tokio::test]
async fn other_content_types_are_refused_on_method_paths() {
    let served = door::serve().await;
    for kind in [
        "application/json",
        "application/grpc+json",
        "application/grpcx",
        "text/plain",
        "",
    ] {
        let mut request = served.call(GET);
        request
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        assert_eq!(
            send(served.address, request, get("a")).await.http_status,
            415,
            "{kind}"
        );
    }
    let mut request = served.call(GET);
    request.headers_mut().remove("content-type");
    assert_eq!(send(served.address, request, get("a")).await.http_status, 415);
    assert_eq!(
        with_header(&served, "content-type", "application/grpc+proto")
            .await
            .refusal()
            .0,
        Code::Ok
    );
    assert_eq!(served.seen.started(), 1);
}

#[tokio::test]
async fn unknown_encodings_name_the_known_ones() {
    let served = door::serve().await;
    let answer = with_header(&served, "grpc-encoding", "zstd").await;
    assert_eq!(answer.refusal().0, Code::Unimplemented);
    assert!(!answer.refusal().1.is_empty());
    assert_eq!(answer.headers["grpc-accept-encoding"], "identity,gzip");
}

#[tokio::test]
async fn malformed_deadlines_are_refused() {
    let served = door::serve().await;
    for value in ["abc", "-1S", "1", "123456789S", ""] {
        let answer = with_header(&served, "grpc-timeout", value).await;
        assert_eq!(
            answer.refusal(),
            (Code::InvalidArgument, "BAD_DEADLINE".into()),
            "{value:?}"
        );
    }
    assert_eq!(served.seen.started(), 0);
}

#[tokio::test]
async fn deadlines_that_have_passed_run_no_handler() {
    let served = door::serve().await;
    for value in ["0n", "1n", "0S"] {
        let answer = with_header(&served, "grpc-timeout", value).await;
        assert_eq!(
            answer.refusal(),
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()),
            "{value:?}"
        );
    }
    assert_eq!(served.seen.started(), 0);
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_deadline_passes() {
    let served = door::serve().await;
    let mut request = served.call(GET);
    request
        .headers_mut()
        .insert("grpc-timeout", HeaderValue::from_static("100m"));
    let answer = send(served.address, request, get("slow")).await;
    assert_eq!(
        answer.refusal(),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into())
    );
    until("the handler is dropped", || served.seen.dropped() == 1).await;
}

#[tokio::test]
async fn deadlines_are_capped_and_have_a_default() {
    let limits = Limits {
        default_deadline: Duration::from_millis(80),
        max_deadline: Duration::from_millis(120),
        ..Limits::default()
    };
    let served = door::serve_with(limits).await;
    let answer = send(served.address, served.call(GET), get("slow")).await;
    assert_eq!(answer.refusal().0, Code::DeadlineExceeded);
    let mut request = served.call(GET);
    request
        .headers_mut()
        .insert("grpc-timeout", HeaderValue::from_static("99999999H"));
    assert_eq!(
        send(served.address, request, get("slow")).await.refusal().0,
        Code::DeadlineExceeded
    );
}

#[tokio::test]
async fn a_handler_is_dropped_when_the_caller_resets_the_stream() {
    let served = door::serve().await;
    let client = connect(served.address).await;
    let (response, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(get("slow"), true).unwrap();
    until("the handler runs", || served.seen.started() == 1).await;
    stream.send_reset(h2::Reason::CANCEL);
    assert!(read(response).await.is_err());
    until("the handler is dropped", || served.seen.dropped() == 1).await;
    assert_eq!(
        send(served.address, served.call(GET), get("a")).await.refusal().0,
        Code::Ok
    );
}

#[tokio::test]
async fn large_headers_are_refused() {
    let served = door::serve().await;
    let mut request = served.call(GET);
    request
        .headers_mut()
        .insert("x-large", "x".repeat(20 << 10).parse().unwrap());
    assert_eq!(send(served.address, request, get("a")).await.http_status, 431);

    let request = format!("GET /v1/leads HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(20 << 10));
    assert_eq!(raw(served.address, request.as_bytes()).await.unwrap().status, 431);
}

#[tokio::test]
async fn a_flood_of_headers_ends_a_stream_or_a_connection_and_not_the_server() {
    let served = door::serve().await;
    let client = connect(served.address).await;
    let mut request = served.call(GET);
    for index in 0..10 {
        let name = http::HeaderName::from_bytes(format!("x-large-{index}").as_bytes()).unwrap();
        request
            .headers_mut()
            .insert(name, "x".repeat(10 << 10).parse().unwrap());
    }
    let (response, _stream) = open(&client, request).await;
    assert!(read(response).await.is_err_and(|error| error.is_remote()) || served.seen.started() == 0);
    assert_eq!(
        send(served.address, served.call(GET), get("a")).await.refusal().0,
        Code::Ok
    );
}

#[tokio::test]
async fn two_authorization_headers_are_ambiguous() {
    let served = door::serve().await;
    let mut request = served.call(GET);
    request
        .headers_mut()
        .append("authorization", HeaderValue::from_static("Bearer ak_read"));
    let answer = send(served.address, request, get("a")).await;
    assert_eq!(
        answer.refusal(),
        (Code::Unauthenticated, "AMBIGUOUS_CREDENTIALS".into())
    );
}

#[tokio::test]
async fn the_key_is_checked_before_the_body() {
    let served = door::serve().await;
    for key in ["", "Bearer", "Bearer ak_unknown", "Basic YWs6"] {
        let mut request = served.call(GET);
        request
            .headers_mut()
            .insert("authorization", key.parse().unwrap());
        let answer = send(served.address, request, &b"\x07rubbish"[..]).await;
        assert_eq!(
            answer.refusal(),
            (Code::Unauthenticated, "UNAUTHENTICATED".into()),
            "{key:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let served = door::serve().await;
    let mut request = served.call(COLLECT);
    request.headers_mut().insert(
        "authorization",
        format!("Bearer {}", served.keys.reader).parse().unwrap(),
    );
    let answer = send(served.address, request, &b"\x07rubbish"[..]).await;
    assert_eq!(
        answer.refusal(),
        (Code::PermissionDenied, "SCOPE_REQUIRED".into())
    );
    let info = answer.status.unwrap().get_details_error_info().unwrap();
    assert_eq!(info.metadata["scope"], "leads.write");
}

#[tokio::test]
async fn a_connectors_credential_opens_no_public_method() {
    let served = door::serve().await;
    let mut request = served.call(GET);
    request.headers_mut().insert(
        "authorization",
        format!("Bearer {}", served.keys.connector).parse().unwrap(),
    );
    assert_eq!(
        send(served.address, request, get("a")).await.refusal().0,
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn rates_are_told_and_kept() {
    let served = door::serve_at(Limits::default(), 2).await;
    let answer = send(served.address, served.call(GET), get("a")).await;
    assert_eq!(answer.headers["ratelimit-policy"], "\"key\";q=2;w=2");
    assert!(
        answer.headers["ratelimit"]
            .to_str()
            .unwrap()
            .starts_with("\"key\";r=1;t="),
        "{answer:?}"
    );
    send(served.address, served.call(GET), get("a")).await;
    let answer = send(served.address, served.call(GET), get("a")).await;
    assert_eq!(answer.refusal(), (Code::ResourceExhausted, "RATE_LIMITED".into()));
    let details = answer.status.unwrap().get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.unwrap() <= Duration::from_secs(1));
    assert!(details.has_quota_failure_violations());
}

#[tokio::test]
async fn health_needs_no_key() {
    let served = door::serve().await;
    let mut request = served.call("/grpc.health.v1.Health/Check");
    request.headers_mut().remove("authorization");
    assert_eq!(
        send(served.address, request, prefixed(0, b"")).await.refusal().0,
        Code::Ok
    );
    let mut request = served.call("/grpc.health.v1.Health/Check");
    request.headers_mut().remove("authorization");
    let answer = send(served.address, request, prefixed(0, b"\x0a\x01x")).await;
    assert_eq!(answer.refusal(), (Code::NotFound, "NOT_FOUND".into()));
}

#[tokio::test]
async fn failures_of_ours_show_nothing_of_the_inside() {
    let served = door::serve().await;
    for id in ["panic", "broken", "foreign"] {
        let answer = send(served.address, served.call(GET), get(id)).await;
        assert_eq!(answer.refusal(), (Code::Internal, "INTERNAL".into()), "{id}");
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
        let plain = served.rest(&format!("GET /v1/leads/{id}"), &[], "").await;
        assert_eq!(plain.problem(), (500, "INTERNAL".into()));
        assert!(
            !String::from_utf8_lossy(&plain.body).contains("canary"),
            "{plain:?}"
        );
    }
    assert_eq!(
        send(served.address, served.call(GET), get("a")).await.refusal().0,
        Code::Ok
    );
}

#[tokio::test]
async fn answers_longer_than_the_limit_are_not_sent() {
    let served = door::serve().await;
    let answer = send(served.address, served.call(GET), get("large")).await;
    assert_eq!(
        answer.refusal(),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".into())
    );
    let plain = served.rest("GET /v1/leads/large", &[], "").await;
    assert_eq!(plain.problem(), (413, "MESSAGE_TOO_LARGE".into()));
}

#[tokio::test]
async fn more_calls_than_the_service_can_hold_are_refused_with_a_delay() {
    let served = door::serve_with(Limits {
        calls: 1,
        ..Limits::default()
    })
    .await;
    let client = connect(served.address).await;
    let (slow, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(get("slow"), true).unwrap();
    until("the handler runs", || {
        served.seen.started.load(Ordering::SeqCst) == 1
    })
    .await;
    let answer = send(served.address, served.call(GET), get("a")).await;
    assert_eq!(answer.refusal(), (Code::ResourceExhausted, "OVERLOADED".into()));
    assert!(answer.status.unwrap().get_details_retry_info().is_some());
    served.seen.go.notify_one();
    assert_eq!(read(slow).await.unwrap().refusal().0, Code::Ok);
}

#[tokio::test]
async fn one_key_cannot_take_all_places() {
    let served = door::serve_with(Limits {
        calls_per_key: 1,
        ..Limits::default()
    })
    .await;
    let client = connect(served.address).await;
    let (slow, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(get("slow"), true).unwrap();
    until("the handler runs", || served.seen.started() == 1).await;
    let answer = send(served.address, served.call(GET), get("a")).await;
    assert_eq!(answer.refusal(), (Code::ResourceExhausted, "OVERLOADED".into()));
    let mut request = served.call(GET);
    let other = format!("Bearer {}", served.keys.reader).parse().unwrap();
    request.headers_mut().insert("authorization", other);
    assert_eq!(
        send(served.address, request, get("a")).await.refusal().0,
        Code::Ok
    );
    served.seen.go.notify_one();
    assert_eq!(read(slow).await.unwrap().refusal().0, Code::Ok);
}

#[tokio::test]
async fn calls_without_a_key_have_places_of_their_own() {
    let served = door::serve_with(Limits {
        open_calls: 0,
        ..Limits::default()
    })
    .await;
    let answer = send(
        served.address,
        served.call("/grpc.health.v1.Health/Check"),
        prefixed(0, b""),
    )
    .await;
    assert_eq!(answer.refusal(), (Code::ResourceExhausted, "OVERLOADED".into()));
    assert_eq!(
        send(served.address, served.call(GET), get("a")).await.refusal().0,
        Code::Ok
    );
}

#[tokio::test]
async fn bodies_beyond_the_budget_are_refused_with_a_delay() {
    let served = door::serve_with(Limits {
        body_bytes: 1 << 20,
        ..Limits::default()
    })
    .await;
    // An unknown field makes the body large.
    let large = |id: &str| {
        let mut message = vec![0x0a, id.len() as u8];
        message.extend_from_slice(id.as_bytes());
        message.extend_from_slice(&[0xfa, 0x3e, 0x80, 0x80, 0x38]);
        message.resize(message.len() + 0x000e_0000, 0);
        prefixed(0, &message)
    };
    let client = connect(served.address).await;
    let (slow, mut stream) = open(&client, served.call(GET)).await;
    stream.send_data(large("slow"), true).unwrap();
    until("the handler runs", || served.seen.started() == 1).await;

    let answer = send(served.address, served.call(GET), large("a")).await;
    assert_eq!(answer.refusal(), (Code::ResourceExhausted, "OVERLOADED".into()));
    let body = format!("{{\"conversation_id\": \"{}\"}}", "x".repeat(0x000e_0000));
    let plain = served.rest("POST /v1/leads:collect", &[], &body).await;
    assert_eq!(plain.problem(), (429, "OVERLOADED".into()));
    assert_eq!(plain.header("retry-after"), Some("1"));
    assert_eq!(
        send(served.address, served.call(GET), get("a")).await.refusal().0,
        Code::Ok
    );

    served.seen.go.notify_one();
    assert_eq!(read(slow).await.unwrap().refusal().0, Code::Ok);
    assert_eq!(
        send(served.address, served.call(GET), large("a"))
            .await
            .refusal()
            .0,
        Code::Ok
    );
}

#[tokio::test]
async fn calls_are_measured_by_method_and_code() {
    let served = door::serve().await;
    send(served.address, served.call(GET), get("a")).await;
    send(served.address, served.call(GET), get("missing")).await;
    send(served.address, served.call("/made.Up/Name"), get("a")).await;
    served.rest("GET /v1/leads/a", &[], "").await;
    let text = served.metrics.render();
    let count = |method: &str, code: &str| {
        text.lines()
            .find(|line| {
                line.starts_with("leads_calls_duration_seconds_count")
                    && line.contains(&format!("method=\"{method}\""))
                    && line.contains(&format!("code=\"{code}\""))
            })
            .and_then(|line| line.rsplit_once(' '))
            .map(|(_, count)| count.to_owned())
    };
    assert_eq!(
        count("leads.v1.LeadsService/GetLead", "Ok").as_deref(),
        Some("2"),
        "{text}"
    );
    assert_eq!(
        count("leads.v1.LeadsService/GetLead", "NotFound").as_deref(),
        Some("1"),
        "{text}"
    );
    assert_eq!(count("unknown", "Unimplemented").as_deref(), Some("1"), "{text}");
}

#[tokio::test]
async fn answers_name_the_request_and_continue_its_trace() {
    let served = door::serve().await;
    let mut request = served.call(GET);
    request
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static("job-7.a:b_c"));
    let parent = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    request.headers_mut().insert("traceparent", parent);
    let answer = send(served.address, request, get("a")).await;
    assert_eq!(answer.headers["x-request-id"], "job-7.a:b_c");
    assert_eq!(answer.headers["x-trace-id"], "0af7651916cd43dd8448eb211c80319c");

    let mut request = served.call(GET);
    request
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static("<script>"));
    request
        .headers_mut()
        .insert("traceparent", HeaderValue::from_static("00-zz-garbage"));
    let answer = send(served.address, request, get("a")).await;
    assert_eq!(answer.headers["x-request-id"], answer.headers["x-trace-id"]);
    assert_eq!(answer.headers["x-trace-id"].len(), 32);
}

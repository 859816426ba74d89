//! REST input that must be refused, and how.

use super::{
    client::{Plain, raw},
    door,
};

const COLLECT: &str = "POST /v1/leads:collect";

#[tokio::test]
async fn bodies_that_are_not_one_json_document_are_malformed() {
    let served = door::serve().await;
    let deep = "[".repeat(200) + &"]".repeat(200);
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [
        b"{".as_slice(),
        b"{} {}",
        b"{\"channel\": 1e400}",
        b"\xef\xbb\xbf{}",
        b"{\"channel\": \"\xff\"}",
        deep.as_bytes(),
        &utf16,
    ] {
        let answer = served.rest(COLLECT, &[], body).await;
        assert_eq!(
            answer.problem(),
            (400, "MALFORMED_REQUEST".into()),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
    let answer = served.rest("GET /v1/leads/a", &[], "{}").await;
    assert_eq!(answer.problem(), (400, "MALFORMED_REQUEST".into()));
    assert_eq!(served.seen.started(), 0);
}

#[tokio::test]
async fn every_field_at_fault_is_named() {
    let served = door::serve().await;
    let body =
        r#"{"channel": "fax", "channel": "api", "__proto__": {}, "contact": {"email": 1, "e-mail": "x"}}"#;
    let answer = served.rest(COLLECT, &[], body).await;
    assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()));
    assert_eq!(
        names(&answer),
        [
            "channel",
            "channel",
            "__proto__",
            "contact.email",
            "contact.e-mail"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_read_and_what_breaks_a_rule_are_told_in_one_answer() {
    let served = door::serve().await;
    let body = r#"{"request_id": "x", "channel": "fax", "surprise": 1, "contact": {"email": "no address", "name": 7},
        "intent": {"signal": "requested demo"}, "captured_at": "2999-01-01T00:00:00Z",
        "messages": [5, {"role": "visitor"}]}"#;
    let answer = served.rest(COLLECT, &[], body).await;
    assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()));
    let mut fields = names(&answer);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "captured_at",
            "channel",
            "contact.email",
            "contact.name",
            "intent.signal",
            "messages[0]",
            "messages[1].text",
            "request_id",
            "surprise",
        ],
        "each once: {:?}",
        answer.fields()
    );
    let answer = served.rest(COLLECT, &[], r#"{"channel": "fax"}"#).await;
    assert_eq!(
        names(&answer),
        ["channel", "contact"],
        "nothing said, and that too"
    );

    let body = r#"{"requests": [{"channel": "api"}, {"channel": "fax", "contact": {"email": "x"}}]}"#;
    let answer = served.rest("POST /v1/leads:batchCollect", &[], body).await;
    assert_eq!(
        names(&answer),
        [
            "requests[1].channel",
            "requests[0].contact",
            "requests[1].contact.email"
        ]
    );
    assert_eq!(served.seen.started(), 0);
}

#[tokio::test]
async fn parameters_that_cannot_be_read_and_that_break_a_rule_are_told_in_one_answer() {
    let served = door::serve().await;
    let target = "GET /v1/leads?score_min=101&score_max=abc&stage=sold&page_size=-1&order_by=mood";
    let mut fields = names(&served.rest(target, &[], "").await);
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["order_by", "page_size", "score_max", "score_min", "stage"]
    );
}

#[tokio::test]
async fn a_patch_is_refused_by_the_names_that_it_sent() {
    let served = door::serve().await;
    let lead = "PATCH /v1/leads/lead_01h455vb4pex5vsknk084sn02q";
    for (body, told) in [
        (
            r#"{"stage": "sold", "owner": 1, "tags": [""], "surprise": 1}"#,
            &["stage", "owner", "surprise", "tags[0]"][..],
        ),
        (r#"{"surprise": 1}"#, &["surprise"]),
        ("[]", &["body"]),
    ] {
        assert_eq!(names(&served.rest(lead, &[], body).await), told, "{body}");
    }
    assert_eq!(served.seen.started(), 0);
}

/// The fields at fault, without what is said of them.
fn names(answer: &Plain) -> Vec<String> {
    let name = |field: String| field.split(':').next().unwrap().to_owned();
    answer.fields().into_iter().map(name).collect()
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let served = door::serve().await;
    for (query, field) in [
        ("score_min=abc", "score_min"),
        ("score_min=99999999999", "score_min"),
        ("page_size=1&page_size=1", "page_size"),
        ("surprise=1", "surprise"),
        ("q=%zz", "q"),
        ("q=%", "q"),
        ("stage=sold", "stage"),
        ("scoreMin=1", "scoreMin"),
    ] {
        let answer = served.rest(&format!("GET /v1/leads?{query}"), &[], "").await;
        assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()), "{query}");
        assert!(
            answer.fields()[0].starts_with(&format!("{field}: ")),
            "{query}: {:?}",
            answer.fields()
        );
    }
    let answer = served.rest("GET /v1/leads/%zz", &[], "").await;
    assert_eq!(answer.problem(), (400, "MALFORMED_REQUEST".into()));
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let served = door::serve().await;
    let body = format!("{{\"conversation_id\": \"{}\"}}", "x".repeat(4 << 20));
    let answer = served.rest(COLLECT, &[], body).await;
    assert_eq!(answer.problem(), (413, "MESSAGE_TOO_LARGE".into()));
    let body = format!("{{\"conversation_id\": \"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(served.rest(COLLECT, &[], body).await.status, 201);
}

#[tokio::test]
async fn only_json_in_utf8_is_taken() {
    let served = door::serve().await;
    for headers in [
        &[("content-type", "text/plain")][..],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
        &[("content-type", "")],
    ] {
        let answer = served.rest(COLLECT, headers, "{}").await;
        assert_eq!(
            answer.problem(),
            (415, "UNSUPPORTED_MEDIA_TYPE".into()),
            "{headers:?}"
        );
    }
    let headers = [("content-type", "Application/JSON; charset=UTF-8")];
    assert_eq!(served.rest(COLLECT, &headers, "{}").await.status, 201);
}

#[tokio::test]
async fn unknown_paths_and_verbs_are_told_apart() {
    let served = door::serve().await;
    for line in [
        "GET /v2/leads",
        "GET /v1/leads/",
        "POST /v1/leads:unknown",
        "GET /",
        "GET /v1/leads/a/b/c",
    ] {
        let answer = served.rest(line, &[], "").await;
        assert_eq!(answer.problem(), (404, "UNKNOWN_METHOD".into()), "{line}");
    }
    for (line, allow) in [
        ("PUT /v1/leads/a", "DELETE, GET, HEAD, PATCH"),
        ("GET /v1/leads:collect", "POST"),
        ("TRACE /v1/leads", "GET, HEAD"),
        ("POST /openapi.json", "GET, HEAD"),
    ] {
        let answer = served.rest(line, &[], "").await;
        assert_eq!(answer.problem(), (405, "METHOD_NOT_ALLOWED".into()), "{line}");
        assert_eq!(answer.header("allow"), Some(allow), "{line}");
    }
    assert_eq!(
        served.rest("CONNECT leads.example:443", &[], "").await.status,
        405
    );
    let answer = served
        .rest("POST /leads.v1.LeadsService/GetLead", &[], "{}")
        .await;
    assert_eq!(answer.problem(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
}

#[tokio::test]
async fn smuggled_requests_get_no_answer_and_the_connection_is_closed() {
    let served = door::serve().await;
    let after = "0\r\n\r\nGET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    for (headers, status) in [
        ("content-length: 4\r\ntransfer-encoding: chunked\r\n", 401),
        ("transfer-encoding: chunked\r\ncontent-length: 4\r\n", 401),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            400,
        ),
        ("transfer-encoding: xchunked\r\n", 400),
        ("content-length: 4\r\ncontent-length: 5\r\n", 400),
        ("content-length: +4\r\n", 400),
    ] {
        let head = format!(
            "POST /v1/leads:collect HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{headers}\r\n"
        );
        let answer = raw(served.address, format!("{head}{after}").as_bytes())
            .await
            .expect(headers);
        assert_eq!(answer.status, status, "{headers}");
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            !body.contains("HTTP/1.1"),
            "{headers}: a second answer came: {body}"
        );
    }
}

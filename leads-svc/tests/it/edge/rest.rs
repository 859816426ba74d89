//! REST: the same calls in JSON.

use leads_svc::grpc::layers::Limits;
use serde_json::json;

use super::door;

#[tokio::test]
async fn a_capture_is_created() {
    let served = door::serve().await;
    let body = json!({
        "request_id": "0198f2d4-0000-7000-8000-000000000000",
        "channel": "widget",
        "contact": {"email": "ana@acme.example", "attributes": {"utm_source": "ads"}},
        "intent": {"signal": "asked_pricing"},
        "consents": [{"purpose": "sales_contact", "given": true}],
        "messages": [{"id": "m1", "role": "visitor", "text": "What does it cost?", "at": "2026-11-22T08:00:00Z"}],
    });
    let answer = served.rest("POST /v1/leads:collect", &[], body.to_string()).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (201, Some("application/json"))
    );
    let answer = answer.json();
    assert_eq!(answer["result"], "created");
    assert_eq!(answer["lead"]["channel"], "widget");
    assert_eq!(answer["lead"]["contact"]["email"], "ana@acme.example");
    assert_eq!(answer["lead"]["tags"], json!([]));
    assert!(answer["lead"].get("score").is_none());
}

#[tokio::test]
async fn parameters_choose_a_list() {
    let served = door::serve().await;
    let line = "GET /v1/leads?score_min=80&stage=new&page_size=5&q=ana+b";
    let answer = served.rest(line, &[], "").await;
    assert_eq!(answer.status, 200);
    let lead = &answer.json()["leads"][0];
    assert_eq!(
        (lead["stage"].as_str(), lead["owner"].as_str()),
        (Some("new"), Some("Some(80) 5 ana b"))
    );
    assert_eq!(answer.json()["next_page_token"], "");
}

#[tokio::test]
async fn a_resource_has_its_version_as_etag() {
    let served = door::serve().await;
    let answer = served.rest("GET /v1/leads/lead_1", &[], "").await;
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"7\"")));
    assert_eq!(
        (answer.header("cache-control"), answer.json()["revision"].as_i64()),
        (Some("no-store"), Some(7))
    );
    let body = r#"{"owner": "x"}"#;
    let stale = served
        .rest("PATCH /v1/leads/lead_1", &[("if-match", "\"stale\"")], body)
        .await;
    assert_eq!(stale.problem(), (412, "ETAG_MISMATCH".into()));
}

#[tokio::test]
async fn a_patch_masks_what_it_names_and_faults_are_named_as_sent() {
    let served = door::serve().await;
    let answer = served
        .rest(
            "PATCH /v1/leads/lead_1",
            &[],
            r#"{"stage": "contacted", "owner": null}"#,
        )
        .await;
    assert_eq!(answer.json()["tags"], json!(["stage", "owner"]));
    let answer = served
        .rest("PATCH /v1/leads/lead_1", &[], r#"{"stage": "closed"}"#)
        .await;
    assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()));
    assert_eq!(answer.fields(), ["outcome: is required when the stage is closed"]);
}

#[tokio::test]
async fn verbs_at_the_end_of_a_path_are_methods() {
    let served = door::serve().await;
    let answer = served.rest("POST /v1/leads/lead_1:sync", &[], "").await;
    assert_eq!(answer.json()["crm_links"][0]["status"], "pending");
    let answer = served
        .rest("POST /v1/leads/lead_1:sync", &[], r#"{"provider": "hubspot"}"#)
        .await;
    assert_eq!(answer.json()["crm_links"][0]["provider"], "hubspot");
    let answer = served.rest("DELETE /v1/leads/lead_1", &[], "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"erasure_id": ""})));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let served = door::serve().await;
    let get = served.rest("GET /v1/leads/lead_1", &[], "").await;
    let head = served.rest("HEAD /v1/leads/lead_1", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[tokio::test]
async fn refusals_are_problems() {
    let served = door::serve().await;
    let answer = served.rest("GET /v1/leads/missing", &[], "").await;
    assert_eq!(answer.problem(), (404, "NOT_FOUND".into()));
    let problem = answer.json();
    assert_eq!(problem["type"], "urn:leads:problem:not_found");
    assert_eq!(problem["title"], "The workspace has no such resource");
    assert_eq!(problem["detail"], "the workspace has no such lead");
    assert_eq!(answer.header("x-trace-id"), problem["trace_id"].as_str());
    assert_eq!(answer.header("grpc-status"), None);
}

#[tokio::test]
async fn keys_are_checked_before_the_body_is_read() {
    let served = door::serve().await;
    let answer = served
        .rest("POST /v1/leads:collect", &[("authorization", "")], "{not json")
        .await;
    assert_eq!(answer.problem(), (401, "UNAUTHENTICATED".into()));
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    let reader = format!("Bearer {}", served.keys.reader);
    let answer = served
        .rest(
            "POST /v1/leads:collect",
            &[("authorization", &reader)],
            "{not json",
        )
        .await;
    assert_eq!(answer.problem(), (403, "SCOPE_REQUIRED".into()));
    assert_eq!(answer.json()["metadata"]["scope"], "leads.write");
    let answer = served
        .rest("GET /v1/leads?access_token=ak_all", &[("authorization", "")], "")
        .await;
    assert_eq!(answer.problem(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn rates_are_told_and_kept() {
    let served = door::serve_at(Limits::default(), 1).await;
    let answer = served.rest("GET /v1/leads", &[], "").await;
    assert!(
        answer.header("ratelimit").unwrap().starts_with("\"key\";r=0;t="),
        "{answer:?}"
    );
    assert_eq!(answer.header("ratelimit-policy"), Some("\"key\";q=1;w=1"));
    let answer = served.rest("GET /v1/leads", &[], "").await;
    assert_eq!(answer.problem(), (429, "RATE_LIMITED".into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.json()["retry_after_ms"].as_u64().unwrap() <= 1000);
}

#[tokio::test]
async fn a_caller_sets_its_deadline() {
    let served = door::serve().await;
    let answer = served
        .rest("GET /v1/leads/slow", &[("request-timeout", "0")], "")
        .await;
    assert_eq!(answer.problem(), (504, "DEADLINE_EXCEEDED".into()));
    let answer = served
        .rest("GET /v1/leads/slow", &[("request-timeout", "1.5")], "")
        .await;
    assert_eq!(answer.problem(), (400, "BAD_DEADLINE".into()));
    let answer = served
        .rest("GET /v1/leads/slow", &[("request-timeout", "1")], "")
        .await;
    assert_eq!(answer.problem(), (504, "DEADLINE_EXCEEDED".into()));
    assert_eq!((served.seen.started(), served.seen.dropped()), (1, 1));
}

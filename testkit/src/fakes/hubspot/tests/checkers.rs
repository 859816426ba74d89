//! The log, the analysis and the control API.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Lab, V3, http, lead, take, with};
use crate::fakes::hubspot::{
    DEFAULT_PORTAL, DEFAULT_TOKEN, HubspotOptions, HubspotServer, Outcome, RequestFilter, Route,
};

#[tokio::test]
async fn the_log_names_lead_keys_outcomes_and_the_trace() {
    let lab = Lab::new().await;
    lab.seed(1).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let body = json!({"inputs": [lead(1), lead(2), with(lead(3), "email", "nobody")]});
    let request = lab
        .request("POST", &format!("{V3}/batch/upsert"))
        .header("traceparent", trace);
    request.json(&body).send().await.unwrap();
    let filter = RequestFilter {
        key: Some("lead_3".to_owned()),
        ..RequestFilter::default()
    };
    let entry = lab.server.requests(&filter).pop().unwrap();
    assert_eq!(
        (entry.route, entry.status, entry.inputs, entry.applied),
        (Route::BatchUpsert, 207, 3, 1)
    );
    assert_eq!(
        (entry.portal, entry.traceparent.as_deref()),
        (Some(DEFAULT_PORTAL), Some(trace))
    );
    let rows: Vec<_> = entry
        .rows
        .iter()
        .map(|row| (row.key.as_str(), row.outcome))
        .collect();
    let expected = [
        ("lead_1", Outcome::Updated),
        ("lead_2", Outcome::Created),
        ("lead_3", Outcome::Invalid),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn steps_back_and_history_name_the_request() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    for revision in ["5", "4", "6"] {
        lab.upsert(vec![with(lead(1), "lead_rev", revision)]).await;
    }
    let values = lab.server.history(DEFAULT_PORTAL, id, Some("lead_rev")).unwrap();
    assert_eq!(
        values
            .iter()
            .map(|write| write.value.as_str())
            .collect::<Vec<_>>(),
        ["1", "5", "4", "6"]
    );
    let back = lab.server.steps_back(DEFAULT_PORTAL, "lead_rev").unwrap();
    assert_eq!(
        (back.len(), back[0].contact_id, back[0].after.request),
        (1, id, 3)
    );
    assert!(lab.server.duplicates(DEFAULT_PORTAL).unwrap().is_empty());
}

#[tokio::test]
async fn the_log_is_bounded() {
    let options = HubspotOptions {
        log_capacity: 2,
        ..HubspotOptions::default()
    };
    let server = HubspotServer::start(options).await.unwrap();
    for _ in 0..5 {
        let url = format!("{}{V3}", server.base_url());
        http().get(url).bearer_auth(DEFAULT_TOKEN).send().await.unwrap();
    }
    assert_eq!(
        server
            .requests(&RequestFilter::default())
            .iter()
            .map(|entry| entry.seq)
            .collect::<Vec<_>>(),
        [4, 5]
    );
}

#[tokio::test]
async fn everything_can_be_driven_over_http() {
    let lab = Lab::new().await;
    let sim = async |method: &str, path: &str, body: Value| {
        let url = format!("{}{path}", lab.server.control_url());
        take(
            http()
                .request(method.parse().unwrap(), url)
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
        .unwrap()
    };
    let portal =
        json!({"portal_id": 5, "ui_domain": "app-eu1.hubspot.com", "tokens": [{"token": "pat-eu1-5"}]});
    assert_eq!(sim("POST", "/portals", portal.clone()).await.status, 201);
    assert_eq!(sim("POST", "/portals", portal).await.status, 400);
    assert_eq!(
        sim("PATCH", "/portals/5", json!({"burst": 9, "search_lag_ms": 5}))
            .await
            .status,
        204
    );
    assert_eq!(
        sim("POST", "/portals/5/tokens", json!({"token": "pat-eu1-6"}))
            .await
            .status,
        201
    );
    assert_eq!(sim("DELETE", "/tokens/pat-eu1-6", json!({})).await.status, 204);
    let property = json!({"name": "lead_key", "type": "string", "unique": true});
    assert_eq!(sim("POST", "/portals/5/properties", property).await.status, 201);
    assert_eq!(sim("GET", "/portals", json!({})).await.json[0]["burst"], 9);
    let fault = sim(
        "POST",
        "/faults",
        json!({"portal": 5, "times": 1, "answer": "hang"}),
    )
    .await
    .json["id"]
        .clone();
    assert_eq!(
        sim("GET", "/faults", json!({})).await.json[0]["fault"]["answer"],
        "hang"
    );
    assert_eq!(
        sim("DELETE", &format!("/faults/{fault}"), json!({})).await.status,
        204
    );
    assert_eq!(sim("DELETE", "/faults", json!({})).await.status, 204);
    let edit = json!({"portal": 5, "properties": {"email": "a@x.org", "lead_key": "l1"}});
    let first = sim("POST", "/contacts", edit.clone()).await.json["id"].clone();
    assert_eq!(
        sim("POST", "/contacts", edit).await.status,
        400,
        "the address is taken"
    );
    let other = json!({"portal": 5, "properties": {"email": "b@x.org"}});
    let second = sim("POST", "/contacts", other).await.json["id"].clone();
    let found = sim("GET", "/contacts?portal=5&property=lead_key&value=l1", json!({}))
        .await
        .json;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &first));
    let merged = sim(
        "POST",
        "/merge",
        json!({"portal": 5, "primary": first, "other": second}),
    )
    .await
    .json["id"]
        .clone();
    let history = sim(
        "GET",
        &format!("/contacts/{merged}/history?portal=5&property=email"),
        json!({}),
    )
    .await
    .json;
    assert_eq!(history.as_array().unwrap().len(), 3);
    assert_eq!(
        sim("DELETE", &format!("/contacts/{merged}?portal=5"), json!({}))
            .await
            .status,
        204
    );
    lab.seed(1).await;
    let requests = sim("GET", "/requests?route=batch_upsert&limit=1", json!({}))
        .await
        .json;
    assert_eq!(requests[0]["rows"][0]["key"], "lead_1");
    let path = format!("/analysis?portal={DEFAULT_PORTAL}&window_ms=10000&revision=lead_rev");
    let analysis = sim("GET", &path, json!({})).await.json;
    assert_eq!(
        (&analysis["max_in_sliding_window"], &analysis["steps_back"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(sim("DELETE", "/requests", json!({})).await.status, 204);
    assert_eq!(sim("POST", "/reset", json!({})).await.status, 204);
    assert_eq!(sim("GET", "", json!({})).await.json["requests"], 0);
    assert_eq!(sim("GET", "/nowhere", json!({})).await.status, 404);
    assert_eq!(
        lab.server
            .max_in_sliding_window(DEFAULT_PORTAL, Duration::from_secs(10)),
        0
    );
}

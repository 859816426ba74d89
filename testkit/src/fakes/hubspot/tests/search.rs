//! Search and its lag.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Lab, V3, lead, with};
use crate::fakes::hubspot::{DEFAULT_PORTAL, PortalOptions};

fn by_key(value: &str) -> Value {
    json!({"filterGroups": [{"filters": [{"propertyName": "lead_key", "operator": "EQ", "value": value}]}]})
}

#[tokio::test]
async fn search_filters_sorts_and_pages() {
    let lab = Lab::new().await;
    lab.upsert(
        (1..=5)
            .map(|n| with(lead(n), "lead_rev", &(10 - n).to_string()))
            .collect(),
    )
    .await;
    let body = json!({"filterGroups": [{"filters": [{"propertyName": "lead_rev", "operator": "GTE", "value": "6"}]}],
        "sorts": [{"propertyName": "lead_rev", "direction": "ASCENDING"}], "properties": ["lead_key"], "limit": 3});
    let found = lab.send("POST", &format!("{V3}/search"), body).await.json;
    assert_eq!(
        (&found["total"], &found["paging"]["next"]["after"]),
        (&json!(4), &json!("3"))
    );
    let keys: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["properties"]["lead_key"])
        .collect();
    assert_eq!(keys, ["lead_4", "lead_3", "lead_2"]);
}

#[tokio::test]
async fn search_sees_the_past() {
    let lab = Lab::with(PortalOptions::new(DEFAULT_PORTAL).search_lag_ms(150)).await;
    lab.seed(1).await;
    let count = async || {
        lab.send("POST", &format!("{V3}/search"), by_key("lead_1"))
            .await
            .json["total"]
            .clone()
    };
    assert_eq!(count().await, 0, "made just now");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count().await, 1);
    lab.upsert(vec![with(lead(1), "lead_rev", "7")]).await;
    let old = json!({"filterGroups": [{"filters": [{"propertyName": "lead_rev", "operator": "EQ", "value": "1"}]}]});
    let found = lab.send("POST", &format!("{V3}/search"), old).await.json;
    assert_eq!(found["total"], 1, "the index still has the old value");
}

#[tokio::test]
async fn search_has_its_own_limit_of_five_a_second() {
    let lab = Lab::new().await;
    let mut last = json!(null);
    for n in 0..6 {
        let answer = lab.send("POST", &format!("{V3}/search"), by_key("x")).await;
        assert_eq!(answer.status == 429, n == 5, "{n}");
        last = answer.json;
    }
    assert_eq!(
        (&last["policyName"], &last["message"]),
        (
            &json!("SECONDLY"),
            &json!("You have reached your secondly limit.")
        )
    );
}

#[tokio::test]
async fn search_refuses_what_is_too_large() {
    let lab = Lab::new().await;
    for body in [
        json!({"limit": 201}),
        json!({"limit": 200, "after": "9801"}),
        json!({"sorts": ["a", "b"]}),
        json!({"query": "x".repeat(3_000)}),
    ] {
        assert_eq!(lab.send("POST", &format!("{V3}/search"), body).await.status, 400);
    }
}

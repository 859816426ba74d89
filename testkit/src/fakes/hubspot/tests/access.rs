//! Credentials, scopes, the order of checks, limits and their headers.

use serde_json::json;

use super::{Lab, V3, http, lead, take};
use crate::fakes::hubspot::{
    DEFAULT_PORTAL, DEFAULT_TOKEN, PortalOptions, PortalPatch, RequestFilter, TokenOptions,
};

#[tokio::test]
async fn the_bearer_scheme_is_read_strictly() {
    let lab = Lab::new().await;
    let url = format!("{}{V3}", lab.server.base_url());
    for header in [
        DEFAULT_TOKEN.to_owned(),
        format!("bearer {DEFAULT_TOKEN}"),
        format!("Bearer  {DEFAULT_TOKEN}"),
        "Bearer pat-na1-other".to_owned(),
    ] {
        let answer = take(
            http()
                .get(&url)
                .header("authorization", &header)
                .send()
                .await
                .unwrap(),
        )
        .await
        .unwrap();
        assert_eq!(
            (answer.status, &answer.json["category"]),
            (401, &json!("INVALID_AUTHENTICATION")),
            "{header}"
        );
        assert_eq!(answer.json["message"], "Authentication credentials not found.");
    }
    assert!(lab.server.revoke_token(DEFAULT_TOKEN));
    assert_eq!(lab.get(V3).await.status, 401);
}

#[tokio::test]
async fn a_missing_scope_names_what_would_do() {
    let mut lab = Lab::new().await;
    let token = TokenOptions::new("pat-na1-reader").scopes(&["crm.objects.contacts.read"]);
    lab.server.add_token(DEFAULT_PORTAL, token).unwrap();
    lab.token = "pat-na1-reader".to_owned();
    assert_eq!(lab.get(V3).await.status, 200);
    let answer = lab.upsert(vec![lead(1)]).await;
    assert_eq!(
        (answer.status, &answer.json["category"]),
        (403, &json!("MISSING_SCOPES"))
    );
    let scopes = &answer.json["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(scopes, &json!(["crm.objects.contacts.write"]));
    assert!(answer.json["links"]["scopes"].is_string());
    let property = lab.send("POST", "/crm/v3/properties/contacts", json!({})).await;
    assert_eq!(
        property.json["errors"][0]["context"]["requiredGranularScopes"],
        json!(["crm.schemas.contacts.write"])
    );
}

#[tokio::test]
async fn credential_then_type_then_body_then_scopes() {
    let mut lab = Lab::new().await;
    lab.server
        .add_token(DEFAULT_PORTAL, TokenOptions::new("pat-na1-none").scopes(&[]))
        .unwrap();
    let post = async |lab: &Lab, kind: &str, body: &'static str| {
        let request = lab.request("POST", &format!("/crm/v3/objects/{kind}/batch/upsert"));
        take(
            request
                .header("content-type", "application/json")
                .body(body)
                .send()
                .await
                .unwrap(),
        )
        .await
        .unwrap()
    };
    lab.token = "pat-na1-none".to_owned();
    let unknown = post(&lab, "planets", "{").await;
    assert_eq!(
        (unknown.status, &unknown.json["message"]),
        (400, &json!("Unable to infer object type from: planets"))
    );
    assert!(unknown.json.get("category").is_none());
    let broken = post(&lab, "contacts", "{").await;
    assert!(
        broken.status == 400
            && broken.json["message"]
                .as_str()
                .unwrap()
                .starts_with("Invalid input JSON on line")
    );
    assert_eq!(post(&lab, "contacts", "{}").await.status, 403);
    lab.token = "pat-na1-unknown".to_owned();
    assert_eq!(post(&lab, "planets", "{").await.status, 401);
}

#[tokio::test]
async fn headers_say_what_is_left_and_search_has_none() {
    let lab = Lab::new().await;
    let answer = lab.get(V3).await;
    let header = |name: &str| answer.headers[name].to_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(
        (
            header("x-hubspot-ratelimit-max"),
            header("x-hubspot-ratelimit-remaining")
        ),
        (190, 189)
    );
    assert_eq!(header("x-hubspot-ratelimit-interval-milliseconds"), 10_000);
    assert_eq!(
        (
            header("x-hubspot-ratelimit-daily"),
            header("x-hubspot-ratelimit-daily-remaining")
        ),
        (625_000, 624_999)
    );
    let search = lab.send("POST", &format!("{V3}/search"), json!({})).await;
    assert!(
        search.status == 200
            && !search
                .headers
                .keys()
                .any(|name| name.as_str().contains("ratelimit"))
    );
}

#[tokio::test]
async fn an_oauth_app_sees_no_daily_headers() {
    let mut lab = Lab::new().await;
    let token = TokenOptions {
        oauth: true,
        app: "market".into(),
        ..TokenOptions::new("CKabc")
    };
    lab.server.add_token(DEFAULT_PORTAL, token).unwrap();
    lab.token = "CKabc".to_owned();
    let answer = lab.get(V3).await;
    assert_eq!(answer.headers["x-hubspot-ratelimit-max"], "110");
    assert!(!answer.headers.contains_key("x-hubspot-ratelimit-daily"));
}

#[tokio::test]
async fn over_the_burst_is_429_counted_and_detectable() {
    let lab = Lab::with(PortalOptions::new(DEFAULT_PORTAL).burst(3)).await;
    for _ in 0..3 {
        assert_eq!(lab.get(V3).await.status, 200);
    }
    let refused = lab.upsert(vec![lead(1)]).await;
    assert_eq!(
        (refused.status, &refused.json["policyName"]),
        (429, &json!("TEN_SECONDLY_ROLLING"))
    );
    assert_eq!(
        refused.json["message"],
        "You have reached your ten_secondly_rolling limit."
    );
    assert_eq!(refused.json["errorType"], "RATE_LIMIT");
    assert!(
        !refused.headers.contains_key("retry-after"),
        "HubSpot documents none"
    );
    assert_eq!(
        lab.server
            .max_in_sliding_window(DEFAULT_PORTAL, std::time::Duration::from_secs(10)),
        4
    );
    assert_eq!(lab.server.portals()[0].refused, 1);
    assert!(lab.server.contacts(DEFAULT_PORTAL).unwrap().is_empty());
    let logged = lab.server.requests(&RequestFilter {
        status: Some(429),
        ..RequestFilter::default()
    });
    assert_eq!((logged.len(), logged[0].inputs, logged[0].applied), (1, 1, 0));
}

#[tokio::test]
async fn the_daily_limit_has_its_own_policy() {
    let lab = Lab::new().await;
    let patch = PortalPatch {
        daily_limit: Some(10),
        daily_used: Some(9),
        ..PortalPatch::default()
    };
    lab.server.patch_portal(DEFAULT_PORTAL, &patch).unwrap();
    assert_eq!(lab.get(V3).await.status, 200);
    let refused = lab.get(V3).await;
    assert_eq!(
        (refused.status, &refused.json["policyName"]),
        (429, &json!("DAILY"))
    );
    assert_eq!(refused.json["message"], "You have reached your daily limit.");
}

#[tokio::test]
async fn portals_are_apart() {
    let mut lab = Lab::new().await;
    lab.seed(1).await;
    lab.server
        .add_portal(PortalOptions::new(77).token("pat-eu1-b"))
        .unwrap();
    assert!(lab.server.add_portal(PortalOptions::new(77)).is_err());
    lab.token = "pat-eu1-b".to_owned();
    assert_eq!(lab.get(V3).await.json["results"], json!([]));
    assert_eq!(lab.get("/account-info/v3/details").await.json["portalId"], 77);
}

#[tokio::test]
async fn headers_of_the_wrong_kind_are_refused_without_a_body() {
    let lab = Lab::new().await;
    let accept = lab
        .request("GET", V3)
        .header("accept", "text/xml")
        .send()
        .await
        .unwrap();
    assert_eq!(accept.status().as_u16(), 406);
    let form = lab
        .request("POST", V3)
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(form.status().as_u16(), 415);
}

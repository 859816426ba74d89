//! Who gets a token.

use serde_json::json;

use super::Lab;
use crate::fakes::salesforce::{AppOptions, DEFAULT_CLIENT_ID, SalesforceOptions};

fn refresh(token: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "secret"),
        ("refresh_token", token),
    ]
}

async fn with(app: AppOptions) -> Lab {
    let mut options = SalesforceOptions::default();
    options.apps.push(app);
    Lab::new(options).await
}

#[tokio::test]
async fn client_credentials_bring_a_token_that_opens_the_org_until_sessions_end() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    assert!(lab.token.contains('!'), "{}", lab.token);
    assert_eq!(lab.get("/services/data/v62.0/limits").await.status, 200);
    lab.server.end_sessions();
    let got = lab.get("/services/data/v62.0/limits").await;
    assert_eq!(
        (got.status, &got.json[0]["errorCode"]),
        (401, &json!("INVALID_SESSION_ID"))
    );
    let wrong = lab
        .grant(&[
            ("grant_type", "client_credentials"),
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", "wrong"),
        ])
        .await;
    assert_eq!(
        (wrong.status, &wrong.json["error"]),
        (400, &json!("invalid_client"))
    );
}

#[tokio::test]
async fn a_rotated_refresh_token_voids_the_one_before() {
    let lab = with(AppOptions::refresh_token("app", "secret", "first", true)).await;
    let second = lab.grant(&refresh("first")).await.json["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let void = lab.grant(&refresh("first")).await;
    assert_eq!((void.status, &void.json["error"]), (400, &json!("invalid_grant")));
    assert_eq!(lab.grant(&refresh(&second)).await.status, 200);
    assert_eq!(lab.server.tokens_issued("app"), 2);
}

#[tokio::test]
async fn a_refresh_token_that_does_not_rotate_can_be_used_again() {
    let lab = with(AppOptions::refresh_token("app", "secret", "only", false)).await;
    for _ in 0..2 {
        let got = lab.grant(&refresh("only")).await;
        assert_eq!((got.status, got.json.get("refresh_token")), (200, None));
        assert_eq!(got.json.get("expires_in"), None, "Salesforce does not say");
    }
}

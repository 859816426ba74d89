//! Signing in with an API key.

use leads_svc::{
    domain::{ids, member::Role},
    service::principal::{Bound, Scope},
};
use serde_json::json;

use super::browser::{
    Browser, SESSION, SIGN_INS, audited, id_of, key, member, public, set_cookies, settings, text,
};
use crate::{
    rpc::service::Service,
    world::{World, on_both_databases},
};

on_both_databases!(
    a_key_is_traded_for_a_session_with_its_rights,
    the_key_of_a_member_signs_in_as_the_member,
    a_wrong_key_is_refused_and_its_workspace_hears_of_it_once,
    keys_that_are_no_workspaces_do_not_sign_in,
    keys_are_not_taken_where_they_are_switched_off,
);

async fn a_key_is_traded_for_a_session_with_its_rights(world: World) {
    let lead = ids::format::<ids::Lead>(world.lead("ana").await.id);
    let service = Service::start_with(world, settings()).await;
    let key = key(&service, &[Scope::LeadsRead, Scope::WorkspaceRead]).await;
    let mut browser = Browser::of(&service);
    let answer = browser
        .post("/sign-in", &[("key", &key), ("return_to", "/leads?a=b")])
        .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/leads?a=b"))
    );
    let cookies = set_cookies(&answer);
    let session = cookies.iter().find(|cookie| cookie.starts_with(SESSION)).unwrap();
    assert!(
        session.ends_with("; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{session}"
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains(&browser.cookies[SESSION]));

    let me = browser.me().await.json();
    let workspace = ids::format::<ids::Workspace>(service.world.workspace);
    assert_eq!(me["workspace_id"], json!(workspace));
    assert_eq!(me["workspace_name"], "Acme");
    assert_eq!(me["scopes"], json!(["leads.read", "workspace.read"]));
    assert_eq!(me["key_id"], public(&key));
    assert_eq!((&me["member_id"], &me["email"]), (&json!(""), &json!("")));
    assert!(me["session_id"].as_str().unwrap().starts_with("session_"), "{me}");
    assert!(me["session_expires_at"].is_string(), "{me}");
    assert_eq!(
        browser.call(&format!("GET /v1/leads/{lead}"), "").await.status,
        200
    );
    let write = browser
        .call(&format!("PATCH /v1/leads/{lead}"), r#"{"owner": "bo"}"#)
        .await;
    assert_eq!(write.problem(), (403, "SCOPE_REQUIRED".to_owned()));
    let line = audited(&service.world, SIGN_INS).await;
    let subject = format!("key:{}", public(&key));
    assert_eq!(line.len(), 1);
    assert_eq!(
        (line[0].0.as_str(), line[0].1.as_str(), line[0].2.as_str()),
        (subject.as_str(), "session.begun", subject.as_str())
    );
    assert_eq!(
        line[0].3,
        json!({"method": "api_key", "session": me["session_id"]})
    );
}

async fn the_key_of_a_member_signs_in_as_the_member(world: World) {
    let ana = member(&world, &world.caller, "ana", Role::Agent).await;
    let scopes: Vec<String> = ["leads.write", "workspace.read"].map(str::to_owned).into();
    let made = world
        .core
        .create_api_key(&world.caller, "Ana", &scopes, None, Some(ana.id))
        .await
        .unwrap();
    let service = Service::start_with(world, settings()).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&made.1).await;
    let me = browser.me().await.json();
    assert_eq!(
        (&me["member_id"], &me["email"], &me["role"]),
        (&json!(id_of(&ana)), &json!(ana.email), &json!("agent"))
    );
    assert_eq!(me["scopes"], json!(["leads.write", "workspace.read"]));
    let capture = r#"{"channel": "widget", "contact": {"email": "kim@leads.example"}, "intent": {"signal": "asked_pricing"}}"#;
    let captured = browser.call("POST /v1/leads:collect", capture).await;
    assert_eq!(captured.status, 201, "{captured:?}");
    let lead = ids::parse::<ids::Lead>(captured.json()["lead"]["id"].as_str().unwrap()).unwrap();
    let page = service
        .world
        .core
        .list_activities(&service.world.caller, lead, 10, "")
        .await
        .unwrap();
    let actor = format!("member:{}", id_of(&ana));
    assert!(
        page.items.iter().all(|activity| activity.actor == actor),
        "{:?}",
        page.items
    );
}

async fn a_wrong_key_is_refused_and_its_workspace_hears_of_it_once(world: World) {
    let service = Service::start_with(world, settings()).await;
    let right = key(&service, &[Scope::LeadsRead]).await;
    let other = key(&service, &[Scope::LeadsRead]).await;
    service
        .world
        .core
        .revoke_api_key(&service.world.caller, public(&other))
        .await
        .unwrap();
    let mut browser = Browser::of(&service);
    for wrong in ["", "nonsense", "ak_nobody", &other, &other] {
        let answer = browser.post("/sign-in", &[("key", wrong)]).await;
        assert_eq!(answer.status, 401, "{wrong}");
        let page = text(&answer);
        assert!(
            page.contains("role=\"alert\"") && !page.contains("<script"),
            "{page}"
        );
        assert!(wrong.is_empty() || !page.contains(wrong), "{page}");
        assert_eq!(set_cookies(&answer), Vec::<String>::new());
    }
    let headers = [
        ("origin", super::browser::BASE),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let problem = browser
        .send("POST /sign-in", &headers, &format!("key={other}"))
        .await;
    assert_eq!(problem.problem(), (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(
        audited(&service.world, SIGN_INS).await,
        [(
            "anonymous".to_owned(),
            "sign_in.refused".to_owned(),
            format!("key:{}", public(&other)),
            json!({"reason": "UNAUTHENTICATED"})
        )]
    );
    browser.with_key(&right).await;
}

async fn keys_that_are_no_workspaces_do_not_sign_in(world: World) {
    let service = Service::start_with(world, settings()).await;
    let platform = service.key(&Bound::Platform, &[Scope::LeadsRead]).await;
    let connector = service.connector_key("hubspot").await;
    let mut browser = Browser::of(&service);
    for key in [platform, connector] {
        let answer = browser.post("/sign-in", &[("key", &key)]).await;
        assert_eq!((answer.status, set_cookies(&answer).len()), (403, 0));
        assert!(text(&answer).contains("only a key of a workspace"), "{answer:?}");
    }
}

async fn keys_are_not_taken_where_they_are_switched_off(world: World) {
    let provider = super::browser::provider().await;
    let settings = leads_svc::service::sign_in::Settings {
        keys: false,
        ..super::browser::with_provider(&provider, "secret-of-leads")
    };
    let service = Service::start_with(world, settings).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    assert!(!text(&browser.get("/sign-in").await).contains("<form"));
    let answer = browser.post("/sign-in", &[("key", &key)]).await;
    assert_eq!((answer.status, set_cookies(&answer).len()), (403, 0));
}

//! Sessions: how they end, and what they do not reach.

use std::time::Duration;

use leads_svc::{
    domain::{ids, member::Role, plan::Plan},
    service::principal::Scope,
};
use serde_json::json;
use tonic::{Code, Request};

use super::browser::{
    Browser, SESSION, SIGN_INS, audited, id_of, key, member, public, set_cookies, settings, with_ana,
    with_provider,
};
use crate::{
    at_rest::{dump, holds},
    rpc::service::Service,
    world::{World, on_both_databases},
};

on_both_databases!(
    signing_out_ends_the_session_on_every_replica,
    a_revoked_key_ends_the_sessions_that_it_began,
    another_role_reaches_the_sessions_of_a_member_within_five_seconds,
    the_sessions_of_a_removed_member_end_with_it,
    sessions_through_the_provider_end_with_the_plan_that_has_them,
    a_session_ends_after_its_life_and_after_its_rest,
    use_on_any_replica_keeps_a_session_alive,
    a_session_is_never_one_that_was_known_before,
    a_holder_has_twenty_sessions_at_most,
    the_database_does_not_hold_what_a_cookie_holds,
    grpc_takes_no_cookies,
);

const LEADS: &str = "GET /v1/leads";

async fn signing_out_ends_the_session_on_every_replica(world: World) {
    let service = Service::start_with(world, settings()).await;
    let replica = service.replica_with(settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&key).await;
    let mut thief = browser.moved(&service.doors);
    let mut elsewhere = browser.moved(&replica);
    for browser in [&mut thief, &mut elsewhere] {
        assert_eq!(browser.call(LEADS, "").await.status, 200);
    }
    let out = browser.post("/sign-out", &[]).await;
    assert_eq!((out.status, out.header("location")), (303, Some("/sign-in")));
    assert!(!browser.cookies.contains_key(SESSION));
    assert_eq!(
        thief.call(LEADS, "").await.problem(),
        (401, "UNAUTHENTICATED".to_owned())
    );
    elsewhere.until(LEADS, 401).await;
    // Again changes nothing and is not recorded.
    assert_eq!(thief.post("/sign-out", &[]).await.status, 303);
    let actions: Vec<String> = audited(&service.world, SIGN_INS)
        .await
        .into_iter()
        .map(|(actor, action, ..)| {
            assert_eq!(actor, format!("key:{}", public(&key)));
            action
        })
        .collect();
    assert_eq!(actions, ["session.begun", "session.ended"]);
}

async fn a_revoked_key_ends_the_sessions_that_it_began(world: World) {
    let service = Service::start_with(world, settings()).await;
    let replica = service.replica_with(settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&key).await;
    let mut elsewhere = browser.moved(&replica);
    for browser in [&mut browser, &mut elsewhere] {
        assert_eq!(browser.call(LEADS, "").await.status, 200);
    }
    let (core, caller) = (&service.world.core, &service.world.caller);
    core.revoke_api_key(caller, public(&key)).await.unwrap();
    browser.until(LEADS, 401).await;
    elsewhere.until(LEADS, 401).await;
}

async fn another_role_reaches_the_sessions_of_a_member_within_five_seconds(world: World) {
    let (service, provider, ana) = with_ana(world, Role::Admin).await;
    let replica = service
        .replica_with(with_provider(&provider, "secret-of-leads"))
        .await;
    let mut browser = Browser::of(&service);
    assert_eq!(browser.through_provider("").await.status, 303);
    let mut elsewhere = browser.moved(&replica);
    let (core, caller) = (&service.world.core, &service.world.caller);
    for (role, status) in [(Role::Admin, 200), (Role::Viewer, 403), (Role::Admin, 200)] {
        core.update_member(caller, ana.id, role).await.unwrap();
        browser.until("GET /v1/apiKeys", status).await;
        elsewhere.until("GET /v1/apiKeys", status).await;
    }
    assert_eq!(browser.me().await.json()["role"], "admin");
}

async fn the_sessions_of_a_removed_member_end_with_it(world: World) {
    let (service, provider, ana) = with_ana(world, Role::Agent).await;
    let replica = service
        .replica_with(with_provider(&provider, "secret-of-leads"))
        .await;
    let mut browser = Browser::of(&service);
    assert_eq!(browser.through_provider("").await.status, 303);
    let mut elsewhere = browser.moved(&replica);
    assert_eq!(elsewhere.call(LEADS, "").await.status, 200);
    let (core, caller) = (&service.world.core, &service.world.caller);
    core.delete_member(caller, ana.id).await.unwrap();
    browser.until(LEADS, 401).await;
    elsewhere.until(LEADS, 401).await;
    // Whoever is added again with the same address begins anew.
    let again = member(&service.world, caller, "ana", Role::Agent).await;
    assert_ne!(id_of(&again), id_of(&ana));
    assert_eq!(browser.call(LEADS, "").await.status, 401);
}

async fn sessions_through_the_provider_end_with_the_plan_that_has_them(world: World) {
    let (service, _provider, _) = with_ana(world, Role::Agent).await;
    let mut browser = Browser::of(&service);
    assert_eq!(browser.through_provider("").await.status, 303);
    let by_key = key(&service, &[Scope::LeadsRead]).await;
    let mut other = Browser::of(&service);
    other.with_key(&by_key).await;
    let (store, workspace) = (&service.world.store, service.world.workspace);
    store.set_plan(workspace, Plan::Business, "test").await.unwrap();
    service.world.core.forget(workspace).await;
    // The plan and the session are each kept for 4 seconds.
    let since = std::time::Instant::now();
    while browser.call(LEADS, "").await.status != 401 {
        assert!(since.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(other.call(LEADS, "").await.status, 200);
}

async fn a_session_ends_after_its_life_and_after_its_rest(world: World) {
    let service = Service::start_with(world, settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut rests = Browser::of(&service);
    rests.with_key(&key).await;
    let mut works = Browser::of(&service);
    works.with_key(&key).await;
    for minutes in [59, 59, 59] {
        service.world.pass(Duration::from_secs(minutes * 60));
        assert_eq!(works.call(LEADS, "").await.status, 200);
        service.doors.auth.note_use().await.unwrap();
    }
    assert_eq!(rests.call(LEADS, "").await.status, 401);
    for _ in 0..9 {
        service.world.pass(Duration::from_secs(59 * 60));
        assert_eq!(works.call(LEADS, "").await.status, 200);
    }
    service.world.pass(Duration::from_secs(30 * 60));
    assert_eq!(works.call(LEADS, "").await.status, 401);
    // Both are forgotten, and nothing else is.
    assert_eq!(service.world.store.forget_old_sessions().await.unwrap(), 2);
}

async fn use_on_any_replica_keeps_a_session_alive(world: World) {
    let service = Service::start_with(world, settings()).await;
    let replica = service.replica_with(settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&key).await;
    let mut elsewhere = browser.moved(&replica);
    for _ in 0..4 {
        service.world.pass(Duration::from_secs(50 * 60));
        assert_eq!(elsewhere.call(LEADS, "").await.status, 200);
        replica.auth.note_use().await.unwrap();
    }
    assert_eq!(browser.call(LEADS, "").await.status, 200);
}

async fn a_session_is_never_one_that_was_known_before(world: World) {
    let service = Service::start_with(world, settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    let planted = "A".repeat(49);
    browser.cookies.insert(SESSION.to_owned(), planted.clone());
    browser.with_key(&key).await;
    let first = browser.clone();
    assert_ne!(first.cookies[SESSION], planted);
    browser.with_key(&key).await;
    assert_ne!(browser.cookies[SESSION], first.cookies[SESSION]);
    assert_eq!(first.clone().call(LEADS, "").await.status, 401);
    assert_eq!(browser.call(LEADS, "").await.status, 200);
}

async fn a_holder_has_twenty_sessions_at_most(world: World) {
    let service = Service::start_with(world, settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browsers = Vec::new();
    for _ in 0..21 {
        let mut browser = Browser::of(&service);
        browser.with_key(&key).await;
        browsers.push(browser);
    }
    let mut alive = 0;
    for browser in &mut browsers[1..] {
        alive += usize::from(browser.call(LEADS, "").await.status == 200);
    }
    assert_eq!(alive, 20);
    assert_eq!(browsers[0].call(LEADS, "").await.status, 401);
}

async fn the_database_does_not_hold_what_a_cookie_holds(world: World) {
    let (service, _provider, ana) = with_ana(world, Role::Agent).await;
    let mut browser = Browser::of(&service);
    assert_eq!(browser.through_provider("").await.status, 303);
    let cookie = browser.cookies[SESSION].clone();
    let dumped = dump(&service.world).await;
    // The secret without its checksum, too.
    for text in [cookie.as_str(), &cookie[..43], ana.email.as_str()] {
        assert!(!holds(&dumped, text), "{text}");
    }
    let audit = audited(&service.world, SIGN_INS).await;
    assert_eq!(audit[0].0, format!("member:{}", id_of(&ana)));
    assert_eq!(audit[0].2, id_of(&ana));
    assert_eq!(audit[0].3["method"], json!("oidc"));
}

async fn grpc_takes_no_cookies(world: World) {
    let service = Service::start_with(world, settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&key).await;
    let cookie = format!("{SESSION}={}", browser.cookies[SESSION]);
    let channel = tonic::transport::Endpoint::from_shared(service.base())
        .unwrap()
        .connect_lazy();
    let mut client = leads_proto::leads::v1::leads_service_client::LeadsServiceClient::new(channel);
    let mut request = Request::new(leads_proto::leads::v1::ListLeadsRequest::default());
    request.metadata_mut().insert("cookie", cookie.parse().unwrap());
    request.metadata_mut().insert("leads-csrf", "1".parse().unwrap());
    assert_eq!(
        client.list_leads(request).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    // gRPC-web, which a page could send: one empty message.
    let headers = [
        ("content-type", "application/grpc-web+proto"),
        ("origin", super::browser::BASE),
        ("leads-csrf", "1"),
    ];
    let answer = browser
        .send("POST /leads.v1.LeadsService/ListLeads", &headers, "\0\0\0\0\0")
        .await;
    assert_eq!(answer.header("grpc-status"), Some("16"), "{answer:?}");
    assert_eq!(set_cookies(&answer), Vec::<String>::new());
    assert_eq!(browser.call(LEADS, "").await.status, 200);
    let workspace = ids::format::<ids::Workspace>(service.world.workspace);
    let named = [
        ("sec-fetch-site", "same-origin"),
        ("leads-workspace", workspace.as_str()),
    ];
    assert_eq!(browser.send(LEADS, &named, "").await.status, 200);
    let elsewhere = ids::format::<ids::Workspace>(service.world.tenant(crate::world::settings()).await.0);
    let named = [
        ("sec-fetch-site", "same-origin"),
        ("leads-workspace", elsewhere.as_str()),
    ];
    assert_eq!(browser.send(LEADS, &named, "").await.status, 403);
}

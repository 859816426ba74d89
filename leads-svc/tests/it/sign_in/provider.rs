//! Signing in through the identity provider: the way there and back, and whose member somebody is.

use std::time::Duration;

use leads_svc::domain::{ids, member::Role, plan::Plan};
use serde_json::json;
use uuid::Uuid;

use super::browser::{
    Browser, PASSAGE, SESSION, SIGN_INS, audited, id_of, member, set_cookies, text, with_ana, with_provider,
};
use crate::world::{World, email, on_both_databases, settings as workspace_settings};

on_both_databases!(
    a_member_signs_in_through_the_provider,
    a_stranger_is_refused_and_the_workspace_that_was_named_hears_of_it,
    a_member_of_several_workspaces_chooses_one,
    a_plan_without_it_is_named_and_recorded,
    members_of_an_earlier_release_are_found_once_they_are_marked,
    the_answer_counts_once_and_only_in_the_browser_that_left,
);

async fn a_member_signs_in_through_the_provider(world: World) {
    let (service, provider, ana) = with_ana(world, Role::Agent).await;
    let replica = service
        .replica_with(with_provider(&provider, "secret-of-leads"))
        .await;
    let mut browser = Browser::of(&service);
    let page = text(&browser.get("/sign-in?return_to=/leads").await);
    assert!(page.contains("/sign-in/oidc?return_to=%2Fleads"), "{page}");
    let away = browser.get("/sign-in/oidc?return_to=/leads").await;
    let cookie = set_cookies(&away).remove(0);
    assert!(cookie.starts_with(PASSAGE), "{cookie}");
    assert!(
        cookie.ends_with("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let there = away.header("location").unwrap();
    assert!(!there.contains("secret-of-leads"), "{there}");
    let back = super::browser::provider_sends_back(there).await;
    // Another replica goes on.
    let mut browser = browser.moved(&replica);
    let answer = browser.get(&back).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/leads")));
    assert!(!browser.cookies.contains_key(PASSAGE));
    let me = browser.me().await.json();
    assert_eq!(
        (&me["member_id"], &me["email"], &me["role"], &me["key_id"]),
        (
            &json!(id_of(&ana)),
            &json!(email("ana")),
            &json!("agent"),
            &json!("")
        )
    );
    assert_eq!(
        me["scopes"],
        json!(["integrations.read", "leads.read", "leads.write", "workspace.read"])
    );
    let actor = format!("member:{}", id_of(&ana));
    assert_eq!(
        audited(&service.world, SIGN_INS).await,
        [(
            actor,
            "session.begun".to_owned(),
            id_of(&ana),
            json!({"method": "oidc", "session": me["session_id"]})
        )]
    );
    let page = text(&browser.get("/sign-in").await);
    assert!(
        page.contains("<strong>Acme</strong>") && page.contains("action=\"/sign-out\""),
        "{page}"
    );
}

async fn a_stranger_is_refused_and_the_workspace_that_was_named_hears_of_it(world: World) {
    let (service, provider, _) = with_ana(world, Role::Agent).await;
    provider.sign_in_as(Some(&email("ben")));
    let workspace = ids::format::<ids::Workspace>(service.world.workspace);
    let nowhere = ids::format::<ids::Workspace>(Uuid::from_u128(7));
    let mut pages = Vec::new();
    for query in [
        "",
        &format!("?workspace={nowhere}"),
        &format!("?workspace={workspace}"),
    ] {
        let mut browser = Browser::of(&service);
        let answer = browser.through_provider(query).await;
        assert_eq!(answer.status, 403);
        assert!(!browser.cookies.contains_key(SESSION));
        let page = text(&answer);
        assert!(page.contains("no workspace has you as a member"), "{page}");
        let before_trace = page.split("Trace id").next().unwrap().to_owned();
        pages.push(before_trace);
    }
    // Whether a workspace is there is not told.
    assert!(pages.iter().all(|page| *page == pages[0]));
    assert_eq!(
        audited(&service.world, SIGN_INS).await,
        [(
            "anonymous".to_owned(),
            "sign_in.refused".to_owned(),
            workspace,
            json!({"reason": "SIGN_IN_REFUSED"})
        )]
    );
    let mut browser = Browser::of(&service);
    let answer = browser.get("/sign-in/oidc?workspace=lead_x").await;
    assert_eq!(answer.status, 400);
}

async fn a_member_of_several_workspaces_chooses_one(world: World) {
    let (other, admin) = world.tenant(workspace_settings()).await;
    let (third, _) = world.tenant(workspace_settings()).await;
    let there = member(&world, &admin, "ana", Role::Viewer).await;
    let (service, _provider, ana) = with_ana(world, Role::Agent).await;
    let id = |workspace: Uuid| ids::format::<ids::Workspace>(workspace);
    let mut browser = Browser::of(&service);
    let answer = browser.through_provider("?return_to=/leads").await;
    assert_eq!(answer.status, 200);
    let page = text(&answer);
    for workspace in [service.world.workspace, other] {
        assert!(page.contains(&format!("value=\"{}\"", id(workspace))), "{page}");
    }
    assert!(!page.contains(&id(third)) && !browser.cookies.contains_key(SESSION));
    let mut denied = browser.clone();
    let answer = denied
        .post("/sign-in/workspace", &[("workspace", &id(third))])
        .await;
    assert_eq!(
        (answer.status, denied.cookies.contains_key(SESSION)),
        (403, false)
    );
    let mut late = browser.clone();
    let answer = browser
        .post("/sign-in/workspace", &[("workspace", &id(other))])
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/leads")));
    let me = browser.me().await.json();
    assert_eq!(
        (&me["workspace_id"], &me["member_id"]),
        (&json!(id(other)), &json!(id_of(&there)))
    );
    let mut direct = Browser::of(&service);
    let query = format!("?workspace={}", id(service.world.workspace));
    assert_eq!(direct.through_provider(&query).await.status, 303);
    assert_eq!(direct.me().await.json()["member_id"], json!(id_of(&ana)));
    service.world.pass(Duration::from_secs(301));
    let answer = late
        .post("/sign-in/workspace", &[("workspace", &id(other))])
        .await;
    assert_eq!((answer.status, late.cookies.contains_key(SESSION)), (403, false));
    // Without the cookie that says who chooses, nobody does.
    let mut nobody = Browser::of(&service);
    let answer = nobody
        .post("/sign-in/workspace", &[("workspace", &id(other))])
        .await;
    assert_eq!(
        (answer.status, nobody.cookies.contains_key(SESSION)),
        (403, false)
    );
}

async fn a_plan_without_it_is_named_and_recorded(world: World) {
    let (service, _provider, ana) = with_ana(world, Role::Agent).await;
    let (store, workspace) = (&service.world.store, service.world.workspace);
    store.set_plan(workspace, Plan::Business, "test").await.unwrap();
    service.world.core.forget(workspace).await;
    let mut browser = Browser::of(&service);
    let answer = browser.through_provider("").await;
    assert_eq!(answer.status, 402);
    assert!(text(&answer).contains("the enterprise plan does"), "{answer:?}");
    assert!(!browser.cookies.contains_key(SESSION));
    assert_eq!(
        audited(&service.world, SIGN_INS).await,
        [(
            "anonymous".to_owned(),
            "sign_in.refused".to_owned(),
            id_of(&ana),
            json!({"reason": "PLAN_REQUIRED"})
        )]
    );
}

async fn members_of_an_earlier_release_are_found_once_they_are_marked(world: World) {
    use sea_orm::ConnectionTrait;
    let (service, _provider, _) = with_ana(world, Role::Agent).await;
    service
        .world
        .raw
        .execute_unprepared("UPDATE members SET sign_in_index = NULL")
        .await
        .unwrap();
    assert_eq!(Browser::of(&service).through_provider("").await.status, 403);
    assert_eq!(service.world.core.mark_old_members().await.unwrap(), 1);
    assert_eq!(service.world.core.mark_old_members().await.unwrap(), 0);
    assert_eq!(Browser::of(&service).through_provider("").await.status, 303);
}

async fn the_answer_counts_once_and_only_in_the_browser_that_left(world: World) {
    let (service, _provider, _) = with_ana(world, Role::Agent).await;
    let mut victim = Browser::of(&service);
    let mut attacker = Browser::of(&service);
    let theirs = attacker.leave_and_return("").await;
    // Somebody else's answer, in a browser that never left and in one that left for itself.
    let answer = victim.get(&theirs).await;
    assert_eq!(
        (answer.status, victim.cookies.contains_key(SESSION)),
        (403, false)
    );
    let own = victim.leave_and_return("").await;
    let answer = victim.get(&theirs).await;
    assert_eq!(
        (answer.status, victim.cookies.contains_key(SESSION)),
        (403, false)
    );
    // That spent the way; its own answer does not count any more.
    assert_eq!(victim.get(&own).await.status, 403);

    let back = victim.leave_and_return("").await;
    let (way, state) = (victim.cookies[PASSAGE].clone(), back.replace("state=", "state=x"));
    let mut altered = victim.clone();
    assert_eq!(altered.get(&state).await.status, 403);
    let mut forged = victim.clone();
    let mut bytes = way.clone().into_bytes();
    let last = bytes.len() - 2;
    bytes[last] = if bytes[last] == b'A' { b'B' } else { b'A' };
    forged
        .cookies
        .insert(PASSAGE.to_owned(), String::from_utf8(bytes).unwrap());
    assert_eq!(forged.get(&back).await.status, 403);
    let mut without = victim.clone();
    let refused = without.get(&back.replace("code=", "none=")).await;
    assert_eq!(refused.status, 403);
    let mut late = victim.clone();
    assert_eq!(victim.get(&back).await.status, 303);
    // The same answer again, with the way that was kept: the provider takes no code twice.
    let mut again = late.clone();
    assert_eq!(
        (again.get(&back).await.status, again.cookies.contains_key(SESSION)),
        (403, false)
    );
    service.world.pass(Duration::from_secs(601));
    assert_eq!(
        (late.get(&back).await.status, late.cookies.contains_key(SESSION)),
        (403, false)
    );

    let mut denied = Browser::of(&service);
    let back = denied.leave_and_return("").await;
    let state = back
        .split(['?', '&'])
        .find(|part| part.starts_with("state="))
        .unwrap();
    let path = format!("/sign-in/callback?{state}&error=access_denied&error_description=%3Cb%3Ebold%3C/b%3E");
    let page = text(&denied.get(&path).await);
    assert!(page.contains("access_denied") && !page.contains("bold"), "{page}");
}

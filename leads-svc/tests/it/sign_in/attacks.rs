//! What other sites try with the browser of somebody who is signed in.

use leads_svc::{domain::ids, service::principal::Scope};

use super::browser::{BASE, Browser, SESSION, key, public, set_cookies, settings};
use crate::{
    rpc::service::Service,
    world::{World, on_both_databases},
};

on_both_databases!(
    a_write_that_another_site_brings_about_changes_nothing,
    nobody_is_led_to_another_site,
    a_key_that_comes_with_a_cookie_counts,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_lets_another_origin_read_it() {
    let service = Service::start_with(World::sqlite().await, settings()).await;
    let key = key(&service, &[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&key).await;
    let evil = ("origin", "https://evil.example");
    for line in [
        "GET /v1/leads",
        "OPTIONS /v1/leads",
        "POST /v1/leads:collect",
        "OPTIONS /v1/leads:collect",
        "GET /sign-in",
        "OPTIONS /sign-in",
        "POST /sign-in",
        "POST /sign-out",
        "OPTIONS /sign-out",
        "GET /docs",
        "GET /openapi.json",
    ] {
        let asked = [
            evil,
            ("sec-fetch-site", "cross-site"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "leads-csrf, content-type"),
        ];
        let answer = browser.send(line, &asked, "").await;
        assert!(
            !answer.head.to_lowercase().contains("access-control-"),
            "{line}: {answer:?}"
        );
        let is_public =
            line.starts_with("GET /docs") || line.starts_with("GET /open") || line == "GET /sign-in";
        assert_eq!(answer.status < 400, is_public, "{line}: {answer:?}");
    }
    assert_eq!(browser.call("GET /v1/leads", "").await.status, 200);
}

async fn a_write_that_another_site_brings_about_changes_nothing(world: World) {
    let lead = ids::format::<ids::Lead>(world.lead("ana").await.id);
    let service = Service::start_with(world, settings()).await;
    let scopes: Vec<Scope> = Scope::of_workspaces().collect();
    let key = key(&service, &scopes).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&key).await;
    let json = ("content-type", "application/json");
    let own = ("leads-csrf", "1");
    let cases: &[&[(&str, &str)]] = &[
        &[json],
        &[json, own],
        &[json, ("origin", BASE)],
        &[json, own, ("origin", "https://evil.example")],
        &[json, own, ("origin", "null")],
        &[json, own, ("origin", "http://leads.example")],
        &[json, own, ("origin", "https://evil.leads.example")],
        &[json, own, ("sec-fetch-site", "cross-site")],
        &[json, own, ("sec-fetch-site", "same-site")],
        &[json, own, ("sec-fetch-site", "none")],
        &[json, own, ("origin", BASE), ("sec-fetch-site", "cross-site")],
        &[json, own, ("origin", BASE), ("origin", "https://evil.example")],
    ];
    let writes = [
        (format!("PATCH /v1/leads/{lead}"), r#"{"owner": "eve"}"#),
        (format!("DELETE /v1/leads/{lead}"), ""),
        (
            "POST /v1/members".to_owned(),
            r#"{"email": "eve@leads.example", "role": "admin"}"#,
        ),
        (format!("DELETE /v1/apiKeys/{}", public(&key)), ""),
    ];
    for headers in cases {
        for (line, body) in &writes {
            let answer = browser.send(line, headers, body).await;
            assert_eq!(
                answer.problem(),
                (403, "CROSS_SITE".to_owned()),
                "{line} {headers:?}"
            );
        }
        let asked = browser
            .send(
                "POST /sign-out",
                &[&[("accept", "text/html")], *headers].concat(),
                "",
            )
            .await;
        let is_ours = headers.contains(&("origin", BASE)) && headers.len() == 2;
        if is_ours {
            assert_eq!(asked.status, 303);
            browser.with_key(&key).await;
        } else {
            assert_eq!((asked.status, set_cookies(&asked).len()), (403, 0), "{headers:?}");
        }
    }
    // What a form of another site can send at all is no JSON, and no request of any method.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [("content-type", kind), ("origin", "https://evil.example")];
        let answer = browser.send(&writes[0].0, &headers, writes[0].1).await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    // A sign-in in the victim's name, to an account of the attacker.
    let form = super::browser::form(&[("key", &key)]);
    for origin in ["https://evil.example", "null"] {
        let headers = [
            ("origin", origin),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let answer = Browser::of(&service).send("POST /sign-in", &headers, &form).await;
        assert_eq!(answer.problem(), (403, "CROSS_SITE".to_owned()));
        assert_eq!(set_cookies(&answer), Vec::<String>::new());
    }
    let world = &service.world;
    let view = world.view(ids::parse::<ids::Lead>(&lead).unwrap()).await;
    assert_ne!(view.lead.owner.as_str(), "eve");
    assert_eq!(
        world
            .core
            .list_members(&world.caller, 10, "")
            .await
            .unwrap()
            .items,
        []
    );
    // The page itself can.
    let changed = browser
        .call(&format!("PATCH /v1/leads/{lead}"), r#"{"owner": "bo"}"#)
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    // Reads that another site brings about are refused as well, a typed address is not.
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("none", 200),
        ("same-origin", 200),
    ] {
        let answer = browser
            .send("GET /v1/leads", &[("sec-fetch-site", site)], "")
            .await;
        assert_eq!(answer.status, status, "{site}");
    }
}

async fn nobody_is_led_to_another_site(world: World) {
    let service = Service::start_with(world, settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    for target in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\r\nset-cookie: a=b",
        "/%0d%0aset-cookie:%20a=b",
        "/leads",
    ] {
        let mut browser = Browser::of(&service);
        let answer = browser
            .post("/sign-in", &[("key", &key), ("return_to", target)])
            .await;
        let there = answer.header("location").unwrap();
        let resolved = url::Url::parse(BASE).unwrap().join(there).unwrap();
        assert_eq!(resolved.origin().ascii_serialization(), BASE, "{target}");
        assert!(
            !answer.head.contains("\na=b")
                && set_cookies(&answer)
                    .iter()
                    .all(|cookie| cookie.starts_with("__Host-"))
        );
        assert_eq!(there == "/leads", target == "/leads");
    }
}

async fn a_key_that_comes_with_a_cookie_counts(world: World) {
    let service = Service::start_with(world, settings()).await;
    let reader = key(&service, &[Scope::LeadsRead, Scope::WorkspaceRead]).await;
    let other = key(&service, &[Scope::WorkspaceRead]).await;
    let mut browser = Browser::of(&service);
    browser.with_key(&reader).await;
    let bearer = format!("Bearer {other}");
    let me = browser
        .send("GET /v1/me", &[("authorization", &bearer)], "")
        .await
        .json();
    assert_eq!(
        (me["key_id"].as_str(), me["session_id"].as_str()),
        (Some(public(&other)), Some(""))
    );
    // A wrong key is not healed by a right cookie.
    let wrong = browser
        .send("GET /v1/me", &[("authorization", "Bearer nonsense")], "")
        .await;
    assert_eq!(wrong.problem(), (401, "UNAUTHENTICATED".to_owned()));
    // Two cookies of the name are none.
    let twice = format!("{SESSION}={0}; {SESSION}={0}", browser.cookies[SESSION]);
    let answer = Browser::of(&service)
        .send("GET /v1/me", &[("cookie", &twice)], "")
        .await;
    assert_eq!(answer.problem(), (401, "UNAUTHENTICATED".to_owned()));
}

//! The pages and paths themselves.

use std::time::Duration;

use leads_svc::service::principal::Scope;
use leads_testkit::wait;

use super::browser::{Browser, SESSION, key, settings, text};
use crate::{rpc::service::Service, world::World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_run_nothing_are_not_kept_and_cannot_be_framed() {
    let (service, _provider, _) =
        super::browser::with_ana(World::sqlite().await, leads_svc::domain::member::Role::Agent).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    let before = browser.get("/sign-in").await;
    let refused = browser.post("/sign-in", &[("key", "nonsense")]).await;
    let signed = browser.post("/sign-in", &[("key", &key)]).await;
    let after = browser.get("/sign-in").await;
    let style = browser.get("/sign-in/style.css").await;
    for answer in [&before, &refused, &signed, &after, &style] {
        let header = |name| {
            answer
                .header(name)
                .unwrap_or_else(|| panic!("no {name}: {answer:?}"))
        };
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains("script-src"),
            "{policy}"
        );
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert!(["same-origin", "no-referrer"].contains(&header("referrer-policy")));
    }
    for page in [text(&before), text(&refused), text(&after)] {
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page}");
        assert!(
            !page.contains("<script") && !page.contains("style=") && !page.contains(" on"),
            "{page}"
        );
        assert!(
            page.contains("<main>") && page.contains("<h1>") && page.contains("<title>"),
            "{page}"
        );
    }
    let page = text(&before);
    assert!(
        page.contains("<label for=\"key\">") && page.contains("id=\"key\""),
        "{page}"
    );
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_bring_along_is_shown_as_text() {
    let world = World::sqlite().await;
    let (service, _provider, _) =
        super::browser::with_ana(world, leads_svc::domain::member::Role::Agent).await;
    let payload = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>";
    let query = super::browser::form(&[
        ("return_to", &format!("/{payload}").replace(' ', "/")),
        ("workspace", payload),
        ("key", payload),
    ]);
    let page = text(&Browser::of(&service).get(&format!("/sign-in?{query}")).await);
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    let page = text(
        &Browser::of(&service)
            .get(&format!("/sign-in/callback?error={query}"))
            .await,
    );
    assert!(!page.contains("<script") && !page.contains("alert(1)"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_setting_there_is_nothing_to_sign_in_to() {
    let service = Service::start(World::sqlite().await).await;
    let mut browser = Browser::of(&service);
    for line in [
        "GET /sign-in",
        "POST /sign-in",
        "GET /sign-in/oidc",
        "POST /sign-out",
    ] {
        let answer = browser.send(line, &[], "").await;
        assert_eq!(answer.problem(), (404, "UNKNOWN_METHOD".to_owned()), "{line}");
    }
    let signing_in = Service::start_with(World::sqlite().await, settings()).await;
    let key = key(&signing_in, &[Scope::LeadsRead]).await;
    let mut elsewhere = Browser::of(&signing_in);
    elsewhere.with_key(&key).await;
    browser
        .cookies
        .insert(SESSION.to_owned(), elsewhere.cookies[SESSION].clone());
    assert_eq!(browser.call("GET /v1/leads", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_take_their_verbs_and_small_forms_alone() {
    let service = Service::start_with(World::sqlite().await, settings()).await;
    let mut browser = Browser::of(&service);
    for (line, allowed) in [
        ("PUT /sign-in", "GET, HEAD, POST"),
        ("DELETE /sign-in", "GET, HEAD, POST"),
        ("POST /sign-in/oidc", "GET"),
        ("POST /sign-in/callback", "GET"),
        ("POST /sign-in/style.css", "GET, HEAD"),
        ("GET /sign-in/workspace", "POST"),
        ("GET /sign-out", "POST"),
        ("TRACE /sign-in", "GET, HEAD, POST"),
    ] {
        let answer = browser.send(line, &[], "").await;
        assert_eq!(answer.problem(), (405, "METHOD_NOT_ALLOWED".to_owned()), "{line}");
        assert_eq!(answer.header("allow"), Some(allowed), "{line}");
    }
    let head = browser.send("HEAD /sign-in", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for path in ["oidc", "callback"] {
        let head = browser.send(&format!("HEAD /sign-in/{path}"), &[], "").await;
        assert_eq!((head.status, head.header("allow")), (405, Some("GET")));
    }
    let origin = ("origin", super::browser::BASE);
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (headers, body, status, reason) in [
        (&[origin, form][..], "k".repeat(5_000), 413, "MESSAGE_TOO_LARGE"),
        (&[origin], "key=x".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            &[origin, ("content-type", "application/json")],
            "{}".to_owned(),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (&[origin, form], "key=a&key=b".to_owned(), 401, "UNAUTHENTICATED"),
        (
            &[origin, form],
            "%ff%00=%zz&&&==".to_owned(),
            401,
            "UNAUTHENTICATED",
        ),
    ] {
        let answer = browser.send("POST /sign-in", headers, &body).await;
        assert_eq!(answer.problem(), (status, reason.to_owned()), "{headers:?}");
    }
    for line in [
        "GET /sign-in/",
        "GET /sign-in/other",
        "GET /sign-in/../v1/leads",
        "GET /SIGN-IN",
    ] {
        assert!(browser.send(line, &[], "").await.status >= 400, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_keeps_signing_in_is_told_to_slow_down() {
    let service = Service::start_with(World::sqlite().await, settings()).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let mut signed = Browser::of(&service);
    signed.with_key(&key).await;
    let mut browser = Browser::of(&service);
    let mut answers = Vec::new();
    for _ in 0..130 {
        answers.push(browser.send("GET /sign-in", &[], "").await);
    }
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!((5..=20).contains(&refused.len()), "{}", refused.len());
    assert_eq!(refused[0].problem(), (429, "RATE_LIMITED".to_owned()));
    assert!(refused[0].header("retry-after").is_some());
    // Whoever is signed in works on.
    assert_eq!(signed.call("GET /v1/leads", "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_at_a_key_is_slowed_down_and_the_right_one_passes_soon() {
    let service = Service::start_with(World::sqlite().await, settings()).await;
    let right = key(&service, &[Scope::LeadsRead]).await;
    let mut browser = Browser::of(&service);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..105 {
        let answer = browser.post("/sign-in", &[("key", "guess")]).await;
        *seen.entry(answer.status).or_insert(0) += 1;
    }
    assert!(seen[&401] >= 100 && seen[&429] >= 1, "{seen:?}");
    // A key that nobody used lately waits for the next credit of its address.
    wait::until("the right key to pass", Duration::from_secs(10), async || {
        let answer = browser.post("/sign-in", &[("key", &right)]).await;
        anyhow::ensure!([303, 429].contains(&answer.status), "{answer:?}");
        Ok((answer.status == 303).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_this_machine_alone_cookies_do_without_tls() {
    let settings = leads_svc::service::sign_in::Settings {
        base: leads_svc::service::sign_in::trustworthy("http://localhost:8080").unwrap(),
        ..settings()
    };
    let service = Service::start_with(World::sqlite().await, settings).await;
    let key = key(&service, &[Scope::LeadsRead]).await;
    let headers = [
        ("origin", "http://localhost:8080"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let mut browser = Browser::of(&service);
    let answer = browser
        .send("POST /sign-in", &headers, &format!("key={key}"))
        .await;
    let cookie = super::browser::set_cookies(&answer).remove(0);
    assert!(
        cookie.starts_with("leads-session=") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert!(cookie.ends_with("Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!(browser.send("GET /v1/leads", &[], "").await.status, 200);
}

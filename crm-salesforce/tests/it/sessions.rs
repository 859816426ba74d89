//! Sessions: begun once, kept before use, renewed by one of many.

use leads_proto::leads::v1::salesforce_credentials::Flow;
use leads_proto::leads::v1::{SalesforceJwtBearer, SalesforceRefreshToken};
use leads_runtime::delivery::{Destination, Outcome};
use leads_testkit::fakes::salesforce::{
    AppOptions, DEFAULT_CLIENT_ID, Fault, JwtUser, Route, SalesforceOptions,
};

use crate::support::{Bench, Setting, id_of, item, lease};

fn rotating() -> Setting {
    let mut options = SalesforceOptions::default();
    options
        .apps
        .push(AppOptions::refresh_token("rotating", "secret", "first", true));
    Setting {
        options,
        client_id: "rotating",
        flow: Flow::RefreshToken(SalesforceRefreshToken {
            refresh_token: "first".into(),
            client_secret: "secret".into(),
        }),
        ..Setting::default()
    }
}

#[tokio::test]
async fn a_session_is_begun_once_and_used_until_it_ends() {
    let bench = Bench::unconnected(Setting::default()).await;
    for n in 0..3 {
        id_of(&bench.write_one(item(n)).await);
    }
    assert_eq!(bench.salesforce.tokens_issued(DEFAULT_CLIENT_ID), 1);
    bench.salesforce.end_sessions();
    id_of(&bench.write_one(item(3)).await);
    assert_eq!(bench.salesforce.tokens_issued(DEFAULT_CLIENT_ID), 2);
    assert_eq!(bench.leads.counts(), (2, 2));
}

#[tokio::test]
async fn a_session_that_ends_under_many_writes_of_two_replicas_is_renewed_once() {
    let bench = Bench::unconnected(rotating()).await;
    let other = bench.replica();
    id_of(&bench.write_one(item(0)).await);
    bench.salesforce.end_sessions();
    let writes = (1..17).map(|n| {
        let connector = if n % 2 == 0 { &bench.connector } else { &other };
        connector.write(&bench.connection, vec![item(n)], lease())
    });
    let mut all = Vec::new();
    for written in futures::future::join_all(writes).await {
        all.extend(written);
    }
    assert_eq!(all.len(), 16);
    for it in &all {
        id_of(&it.outcome);
    }
    assert_eq!(
        bench.salesforce.tokens_issued("rotating"),
        2,
        "the first, and one renewal"
    );
    bench.assert_sound();
}

#[tokio::test]
async fn the_newest_refresh_token_is_kept_before_its_session_is_used() {
    let bench = Bench::unconnected(rotating()).await;
    id_of(&bench.write_one(item(1)).await);
    let second = bench.leads.refresh_token();
    assert_ne!(second, "first");
    bench.salesforce.end_sessions();
    id_of(&bench.write_one(item(2)).await);
    assert_ne!(bench.leads.refresh_token(), second);
}

#[tokio::test]
async fn a_session_that_another_replica_began_is_taken_over() {
    let bench = Bench::unconnected(rotating()).await;
    id_of(&bench.write_one(item(1)).await);
    let other = bench.replica();
    // It knows the connection from before.
    let written = other.write(&bench.connection, vec![item(2)], lease()).await;
    id_of(&written[0].outcome);
    assert_eq!(bench.salesforce.tokens_issued("rotating"), 1);
}

#[tokio::test]
async fn a_session_that_ends_at_once_again_is_not_renewed_for_ever() {
    let bench = Bench::start(Setting::default()).await;
    let ended = Fault::answer(leads_testkit::fakes::salesforce::Answer::InvalidSession);
    bench.salesforce.inject(ended.route(Route::Upsert));
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_: None, reason } => assert_eq!(reason.code, "CREDENTIALS"),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        bench.routes(),
        [Route::Token, Route::Upsert, Route::Token, Route::Upsert]
    );
}

#[tokio::test]
async fn a_refresh_token_that_is_void_rests_the_connection() {
    let mut setting = rotating();
    setting.flow = Flow::RefreshToken(SalesforceRefreshToken {
        refresh_token: "spent long ago".into(),
        client_secret: "secret".into(),
    });
    let bench = Bench::unconnected(setting).await;
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_: None, reason } => assert!(reason.message.contains("invalid_grant")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_signed_assertion_brings_a_session() {
    let (user, private_key) = JwtUser::with_key("integration@acme.example").unwrap();
    let mut options = SalesforceOptions::default();
    options.apps.push(AppOptions::jwt("signing", user));
    let flow = |username: &str| {
        Flow::JwtBearer(SalesforceJwtBearer {
            username: username.into(),
            private_key: private_key.clone(),
        })
    };
    let setting = |username| Setting {
        options: options.clone(),
        client_id: "signing",
        flow: flow(username),
        ..Setting::default()
    };
    let bench = Bench::start(setting("integration@acme.example")).await;
    id_of(&bench.write_one(item(1)).await);

    let bench = Bench::unconnected(setting("somebody@acme.example")).await;
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_: None, reason } => assert_eq!(reason.code, "CREDENTIALS"),
        other => panic!("{other:?}"),
    }
}

//! A second CRM beside the first, and sessions that one replica renews for all.

use std::{collections::BTreeMap, time::Duration};

use leads_svc::{
    domain::{
        salesforce::{Flow, Salesforce, Session},
        sync::{Provider, Status},
    },
    service::{
        connector::{Connection, Facts, Outcome, Receipt, Target, TokenLease},
        principal::{Bound, Principal, Scope},
    },
    storage::tasks::Leased,
};
use uuid::Uuid;

use crate::world::{LEASE, PATIENCE, World, lead, on_both_databases, warm};

on_both_databases!(
    a_lead_is_owed_to_each_crm_that_is_connected,
    one_replica_at_a_time_may_renew_a_session,
    a_session_is_kept_with_the_newest_refresh_token_before_it_is_used,
    credentials_that_were_replaced_do_not_come_back_with_a_session,
    a_session_of_a_check_is_the_connections_once_it_succeeds,
    a_connector_renews_no_session_of_another_crm,
);

const SALESFORCE: Provider = Provider::Salesforce;

fn credentials(refresh_token: &str) -> Salesforce {
    Salesforce {
        login_url: "https://acme.my.salesforce.example".to_owned(),
        client_id: "app".to_owned(),
        flow: Flow::RefreshToken {
            refresh_token: refresh_token.to_owned(),
            client_secret: String::new(),
        },
        session: None,
    }
}

fn session(token: &str) -> Session {
    Session {
        access_token: token.to_owned(),
        instance_url: "https://acme.my.salesforce.example".to_owned(),
    }
}

/// The connector of Salesforce.
fn connector() -> Principal {
    let bound = Bound::Destination("salesforce".to_owned());
    Principal::new("salesforce".to_owned(), bound, vec![Scope::Connector])
}

/// Owes the check of credentials, and takes it.
async fn check(world: &World, refresh_token: &str) -> Leased {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let (secret, mapping) = (credentials(refresh_token).secret(), BTreeMap::new());
    world
        .store
        .connect_provider(world.workspace, &keys, SALESFORCE, &secret, &mapping, "test")
        .await
        .unwrap();
    let mut tasks = world.delivery.claim_tasks(&connector(), 20).await.unwrap();
    tasks.remove(0).0
}

async fn succeed(world: &World, task: &Leased) {
    let facts = Outcome::Connected(Facts {
        account_id: "00D".to_owned(),
        ui_domain: "acme.my.salesforce.example".to_owned(),
        limits: None,
    });
    let connector = connector();
    let reported = world.delivery.report_task(&connector, task.id, task.token, facts);
    assert_eq!(reported.await.unwrap(), Receipt::Recorded);
    world.core.forget(world.workspace).await;
}

/// Connects Salesforce; the connection.
async fn connect(world: &World) -> Uuid {
    let task = check(world, "first").await;
    succeed(world, &task).await;
    task.connection
}

/// The connection as its connector gets it.
async fn seen(world: &World, id: Uuid) -> (Connection, Salesforce) {
    let (connection, secret) = world.delivery.connection(&connector(), id).await.unwrap();
    (connection, Salesforce::read(&secret).unwrap())
}

async fn ask(world: &World, id: Uuid, version: i64) -> TokenLease {
    world
        .delivery
        .lease_token(&connector(), id, version)
        .await
        .unwrap()
}

async fn granted(world: &World, id: Uuid) -> Uuid {
    let version = seen(world, id).await.0.version;
    match ask(world, id, version).await {
        TokenLease::Granted(token) => token,
        other => panic!("{other:?}"),
    }
}

async fn put(world: &World, target: Target, token: Uuid, access: &str, newest: &str) -> (Receipt, i64) {
    let connector = connector();
    let kept = world.delivery.put_token(
        &connector,
        target,
        token,
        session(access),
        Some(newest.to_owned()),
    );
    kept.await.unwrap()
}

async fn a_lead_is_owed_to_each_crm_that_is_connected(world: World) {
    world.connect().await;
    connect(&world).await;
    let lead = lead(world.collect(warm("ana")).await);
    let statuses = |links: Vec<leads_svc::domain::sync::Link>| {
        links
            .into_iter()
            .map(|link| (link.provider, link.status))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        statuses(world.view(lead.id).await.links),
        [
            (Provider::Hubspot, Status::Pending),
            (SALESFORCE, Status::Pending)
        ]
    );
    world.deliver().await;
    assert_eq!(
        statuses(world.view(lead.id).await.links),
        [(Provider::Hubspot, Status::Synced), (SALESFORCE, Status::Pending)],
        "each has its own"
    );
    let hints = world
        .store
        .publish_due(SALESFORCE, 1_000, PATIENCE)
        .await
        .unwrap();
    assert_eq!(hints.len(), 1);
    assert_eq!(
        world.publish().await,
        [],
        "what is owed to one is not published for the other"
    );
}

async fn one_replica_at_a_time_may_renew_a_session(world: World) {
    let id = connect(&world).await;
    let version = seen(&world, id).await.0.version;
    let token = granted(&world, id).await;
    assert!(matches!(ask(&world, id, version).await, TokenLease::Held(left) if left <= LEASE));
    assert_eq!(ask(&world, id, version - 1).await, TokenLease::Newer);
    // Its holder is lost.
    world.pass(LEASE + Duration::from_secs(1));
    let TokenLease::Granted(next) = ask(&world, id, version).await else {
        panic!("still held")
    };
    let late = put(&world, Target::Connection(id), token, "late", "late").await;
    assert_eq!(late, (Receipt::LeaseLost, 0));
    put(&world, Target::Connection(id), next, "next", "next").await;
    assert_eq!(seen(&world, id).await.1.session, Some(session("next")));
}

async fn a_session_is_kept_with_the_newest_refresh_token_before_it_is_used(world: World) {
    let id = connect(&world).await;
    let before = seen(&world, id).await.0.version;
    let token = granted(&world, id).await;
    let kept = put(&world, Target::Connection(id), token, "00D!a", "second").await;
    assert_eq!(kept, (Receipt::Recorded, before + 1));
    let again = put(&world, Target::Connection(id), token, "00D!a", "second").await;
    assert_eq!(again, kept, "the same call may come again");
    let (connection, stored) = seen(&world, id).await;
    assert_eq!(connection.version, before + 1);
    assert_eq!(stored, credentials("second").with_session(session("00D!a"), None));
    granted(&world, id).await;
}

async fn credentials_that_were_replaced_do_not_come_back_with_a_session(world: World) {
    let id = connect(&world).await;
    let token = granted(&world, id).await;
    let task = check(&world, "new").await;
    succeed(&world, &task).await;
    let late = put(&world, Target::Connection(id), token, "old", "old").await;
    assert_eq!(late, (Receipt::LeaseLost, 0));
    assert_eq!(seen(&world, id).await.1, credentials("new"));
}

async fn a_session_of_a_check_is_the_connections_once_it_succeeds(world: World) {
    let task = check(&world, "first").await;
    let target = Target::Task(task.id);
    assert_eq!(
        put(&world, target, Uuid::nil(), "x", "x").await.0,
        Receipt::LeaseLost
    );
    assert_eq!(
        put(&world, target, task.token, "00D!a", "second").await,
        (Receipt::Recorded, 0)
    );
    succeed(&world, &task).await;
    let (_, stored) = seen(&world, task.connection).await;
    assert_eq!(stored, credentials("second").with_session(session("00D!a"), None));
}

async fn a_connector_renews_no_session_of_another_crm(world: World) {
    let id = connect(&world).await;
    let token = granted(&world, id).await;
    let asked = world.delivery.lease_token(&world.connector, id, 1).await;
    assert!(asked.is_err());
    let target = Target::Connection(id);
    let kept = world
        .delivery
        .put_token(&world.connector, target, token, session("x"), None);
    assert_eq!(kept.await.unwrap(), (Receipt::Gone, 0));
    let hubspot = world.connect().await;
    assert!(
        world
            .delivery
            .lease_token(&connector(), hubspot, 1)
            .await
            .is_err()
    );
}

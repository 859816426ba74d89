//! The walk itself, on both databases, and what it leaves behind.

#![expect(clippy::print_stdout, reason = "how many cases there were is the result")]

use std::{collections::BTreeSet, time::Instant};

use leads_proto::leads::v1;
use leads_runtime::{
    process::{config::RedisConfig, telemetry::Metrics},
    stream::{Publisher, Redis},
};
use leads_svc::{
    dispatch::{Dispatcher, Gauges},
    service::connector::{Delivery, Times},
};
use leads_testkit::{http::Http, servers};
use tokio_util::sync::CancellationToken;

use super::{
    answers::judge,
    captured::{self, Log},
    cases::CASES,
    connector::Connector,
    known::ids_of,
    walker::{Count, Walk},
};
use crate::{
    rpc::service::methods,
    world::{LEASE, PATIENCE, VENDOR_TOKEN, VERIFY_AFTER, World},
};

/// Calls of workspaces and the platform; those of the connector come on top.
const WALKED: i64 = 10_000;
const WALKERS: u64 = 6;

#[test]
fn every_method_has_a_case() {
    let cases: BTreeSet<String> = CASES
        .iter()
        .map(|(service, method, ..)| format!("/{service}/{method}"))
        .collect();
    assert_eq!(cases, methods().into_iter().collect());
}

#[test]
fn no_walk_over_all_methods_leads_into_another_workspace_on_sqlite() {
    let log = Log::default();
    captured::run(&log, async { walk(World::sqlite().await, "sqlite", &log).await });
}

#[test]
fn no_walk_over_all_methods_leads_into_another_workspace_on_postgres() {
    let log = Log::default();
    captured::run(&log, async {
        walk(World::postgres().await, "postgres", &log).await
    });
}

async fn walk(mut world: World, database: &str, log: &Log) {
    let metrics = Metrics::standalone("leads-svc").unwrap();
    let times = Times {
        lease: LEASE,
        verify_after: VERIFY_AFTER,
    };
    world.delivery = Delivery::new(world.core.clone(), times, &metrics.meter());
    let redis = servers::Redis::start().await.unwrap();
    let config = RedisConfig {
        url: redis.url().into(),
    };
    let publisher = Publisher::new(Redis::open(&config).unwrap());
    let gauges = Gauges::new(world.store.clone(), publisher.clone(), &metrics.meter());
    let dispatcher = Dispatcher {
        store: world.store.clone(),
        publisher,
        wake: world.core.wake(),
        interval: std::time::Duration::from_millis(20),
        window: 1_000,
        patience: PATIENCE,
    };
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    tokio::spawn(dispatcher.run(stop));

    let walk = Walk::on(world, &metrics.meter(), WALKED).await;
    let seed = rand::random::<u32>().into();
    println!("walk on {database}, seed {seed}");
    let began = Instant::now();
    let mut connector = Connector::of(&walk, redis, seed).await;
    futures::join!(
        futures::future::join_all((1..=WALKERS).map(|walker| walk.go(seed + walker))),
        connector.go(),
    );
    let took = began.elapsed();

    gauges.count().await;
    left_behind(&log.text(), &metrics.render(), &walk);
    exports(&walk).await;
    let (entries, granted) = (connector.entries, connector.granted);
    assert!(
        entries > 50 && granted > 50,
        "{entries} entries, {granted} grants"
    );
    let counts = walk.counts.lock().unwrap();
    let sum = |of: fn(&Count) -> u64| counts.values().map(of).sum::<u64>();
    println!(
        "{} cases over {} methods on {database} in {took:.1?}: {} carried out, {} over REST, {} compared with twins, \
         {entries} stream entries, {granted} grants, 0 leaks",
        sum(|count| count.cases),
        counts.len(),
        sum(|count| count.answered),
        sum(|count| count.rest),
        sum(|count| count.twins),
    );
    for (path, count) in &*counts {
        println!("{path}: {count:?}");
        assert!(count.answered > 0, "{path} was never carried out: {count:?}");
    }
    assert_eq!(counts.len(), CASES.len());
}

/// Log lines and metrics are for the operator: they name no person, and metrics name nobody at all.
fn left_behind(log: &str, metrics: &str, walk: &Walk) {
    assert!(log.lines().count() > 100, "{} lines", log.lines().count());
    assert!(metrics.contains("leads_"), "{metrics}");
    for (name, text) in [("log", log.to_lowercase()), ("metrics", metrics.to_lowercase())] {
        for tenant in &walk.tenants {
            let secret = tenant.key.to_lowercase();
            for canary in [tenant.canary, tenant.phone, secret.as_str(), VENDOR_TOKEN] {
                let line = text.lines().find(|line| line.contains(canary));
                assert!(line.is_none(), "LEAK: the {name} has {canary}: {line:?}");
            }
        }
    }
    assert_eq!(ids_of(metrics).count(), 0, "{metrics}");
}

/// Everything about everybody whom a workspace knows, in both of its forms.
async fn exports(walk: &Walk) {
    let (mut whole, mut tables) = (0, 0);
    for (owner, tenant) in walk.tenants.iter().enumerate() {
        let http = Http::new(walk.service.base()).bearer(&tenant.key);
        let list = "/leads.v1.LeadsService/ListLeads";
        let request = v1::ListLeadsRequest {
            page_size: 200,
            ..Default::default()
        };
        let listed: v1::ListLeadsResponse = walk.service.ask(list, &tenant.key, &request).await.unwrap();
        for lead in listed.leads {
            let asked = serde_json::json!({"lead_id": lead.id});
            for accept in ["application/json", "text/csv"] {
                let path = "/v1/privacy:exportSubject";
                let accept = [("accept", accept)];
                let reply = http
                    .send(http::Method::POST, path, &accept, Some(&asked))
                    .await
                    .unwrap();
                assert_eq!(reply.status, 200, "{}", reply.text());
                let leak = judge(
                    &walk.tenants,
                    &walk.known.lock().unwrap(),
                    Some(owner),
                    "",
                    &reply.text(),
                );
                assert!(
                    leak.is_ok(),
                    "LEAK: an export of workspace {owner} has {leak:?}: {}",
                    reply.text()
                );
                assert!(reply.text().contains(tenant.canary));
                whole += usize::from(accept[0].1 == "application/json");
                tables += usize::from(accept[0].1 == "text/csv");
            }
        }
    }
    println!("{whole} exports and {tables} tables of them");
    assert!(whole > 30 && tables == whole);
}

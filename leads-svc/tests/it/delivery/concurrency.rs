//! Many replicas and connectors at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::join_all;
use leads_svc::{
    domain::lead::Stage,
    service::leads::LeadChange,
    storage::jobs::report::{Receipt, Report},
};
use uuid::Uuid;

use crate::world::{HUBSPOT, PATIENCE, World, delivered, named, on_both_databases, warm};

on_both_databases!(
    concurrent_publishers_publish_each_job_once,
    concurrent_claimers_share_the_leases,
    a_report_that_arrives_many_times_at_once_counts_once,
    every_change_arrives_while_many_change_and_many_deliver,
);

async fn capture_people(world: &World, people: usize) {
    let captured = (0..people).map(|person| world.collect(warm(&format!("person{person}"))));
    join_all(captured).await;
}

async fn concurrent_publishers_publish_each_job_once(world: World) {
    world.connect().await;
    capture_people(&world, 120).await;
    let replicas = join_all((0..4).map(|_| world.replica())).await;
    let mut publishers = Vec::new();
    for (core, _) in replicas {
        publishers.push(tokio::spawn(async move {
            let mut all = Vec::new();
            loop {
                let hints = core.store.publish_due(HUBSPOT, 1_000, PATIENCE).await.unwrap();
                if hints.is_empty() {
                    return all;
                }
                all.extend(hints);
            }
        }));
    }
    let mut hints = world.publish().await;
    for publisher in publishers {
        hints.extend(publisher.await.unwrap());
    }
    hints.extend(world.publish().await);
    let jobs: BTreeSet<Uuid> = hints.iter().map(|hint| hint.job).collect();
    assert_eq!((hints.len(), jobs.len()), (120, 120));
    assert!(hints.iter().all(|hint| hint.generation == 1));
}

async fn concurrent_claimers_share_the_leases(world: World) {
    world.connect().await;
    capture_people(&world, 60).await;
    let hints = named(&world.publish().await);
    let replicas = join_all((0..6).map(|_| world.replica())).await;
    let claimed = join_all(replicas.into_iter().map(|(_, delivery)| {
        let (hints, connector) = (hints.clone(), world.connector.clone());
        tokio::spawn(async move { delivery.claim(&connector, &hints).await.unwrap() })
    }))
    .await;
    let mut tokens: BTreeMap<Uuid, usize> = BTreeMap::new();
    for claimed in claimed.into_iter().flat_map(Result::unwrap) {
        if claimed.result.is_ok() {
            *tokens.entry(claimed.job).or_default() += 1;
        }
    }
    assert_eq!(tokens.len(), 60);
    assert!(tokens.values().all(|granted| *granted == 1), "{tokens:?}");
}

async fn a_report_that_arrives_many_times_at_once_counts_once(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    let grant = world.grant().await;
    let report = Report {
        job: world.job(lead).await.unwrap().id,
        token: grant.token,
        outcome: delivered(),
    };
    let reported = join_all((0..12).map(|_| {
        let (delivery, connector) = (world.delivery.clone(), world.connector.clone());
        let report = report.clone();
        tokio::spawn(async move { delivery.report(&connector, &[report]).await.unwrap() })
    }))
    .await;
    for receipts in reported {
        assert_eq!(receipts.unwrap(), [Receipt::Recorded]);
    }
    assert_eq!(world.timeline(lead).await, ["captured", "scored", "synced"]);
}

async fn every_change_arrives_while_many_change_and_many_deliver(world: World) {
    const EDITS: usize = 20;
    world.connect().await;
    let mut leads = Vec::new();
    for person in 0..5 {
        leads.push(world.lead(&format!("person{person}")).await.id);
    }
    let edited = Arc::new(AtomicBool::new(false));
    let mut connectors = Vec::new();
    for (core, delivery) in join_all((0..3).map(|_| world.replica())).await {
        let (edited, connector) = (edited.clone(), world.connector.clone());
        connectors.push(tokio::spawn(async move {
            let mut crm: BTreeMap<Uuid, i64> = BTreeMap::new();
            loop {
                let was_edited = edited.load(Ordering::SeqCst);
                let hints = core.store.publish_due(HUBSPOT, 1_000, PATIENCE).await.unwrap();
                if hints.is_empty() && was_edited {
                    return crm;
                }
                if hints.is_empty() {
                    tokio::task::yield_now().await;
                    continue;
                }
                let mut reports = Vec::new();
                for claimed in delivery.claim(&connector, &named(&hints)).await.unwrap() {
                    let grant = claimed.result.expect("the only one who heard of the job").grant;
                    let written = crm.entry(grant.lead).or_default();
                    *written = grant.record.as_ref().unwrap().lead.sync_revision.max(*written);
                    reports.push(Report {
                        job: claimed.job,
                        token: grant.token,
                        outcome: delivered(),
                    });
                }
                let receipts = delivery.report(&connector, &reports).await.unwrap();
                assert!(
                    receipts.iter().all(|receipt| *receipt == Receipt::Recorded),
                    "{receipts:?}"
                );
            }
        }));
    }
    join_all(leads.iter().map(|lead| {
        let (core, caller, lead) = (world.core.clone(), world.caller.clone(), *lead);
        tokio::spawn(async move {
            for edit in 0..EDITS {
                let stage = if edit % 2 == 0 {
                    Stage::Contacted
                } else {
                    Stage::Qualified
                };
                let change = LeadChange {
                    stage: Some(stage),
                    ..LeadChange::default()
                };
                core.update_lead(&caller, lead, change).await.unwrap();
            }
        })
    }))
    .await
    .into_iter()
    .for_each(Result::unwrap);
    edited.store(true, Ordering::SeqCst);

    let mut crm: BTreeMap<Uuid, i64> = BTreeMap::new();
    for connector in connectors {
        for (lead, revision) in connector.await.unwrap() {
            let written = crm.entry(lead).or_default();
            *written = revision.max(*written);
        }
    }
    for lead in leads {
        let job = world.job(lead).await.unwrap();
        assert_eq!(crm[&lead], EDITS as i64 + 1);
        assert_eq!(
            (job.state.as_str(), job.synced_revision),
            ("done", EDITS as i64 + 1)
        );
    }
}

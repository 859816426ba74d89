//! Processes that are killed or frozen at any moment, and links that are cut: nothing is lost, nothing is doubled.

use std::time::Duration;

use anyhow::{Context, Result};
use leads_proto::leads::v1::SyncLeadRequest;
use leads_testkit::{
    captures,
    fakes::hubspot::Fault,
    faults::Link,
    stack::{Stack, StackOptions, Storage, hubspot_link},
};
use tokio::sync::watch;

use crate::{
    checker::{check, check_synced},
    collect, collect_patiently, on_both_databases, patiently,
};

on_both_databases!(
    killed_processes_lose_and_double_nothing,
    a_connector_frozen_past_its_leases_does_no_harm
);

async fn killed_processes_lose_and_double_nothing(storage: Storage) -> Result<()> {
    let options = StackOptions {
        storage,
        connectors: 2,
        ..StackOptions::default()
    };
    let mut stack = Stack::start_with(options).await?;
    stack.hubspot.inject(Fault::latency(
        Duration::from_millis(50),
        Duration::from_millis(200),
    ))?;
    let clients = stack.clients.clone();
    let (answered, mut answers) = watch::channel(0);
    let caller = tokio::spawn(async move {
        let mut ids = Vec::new();
        for _ in 0..60 {
            ids.push(collect_patiently(&clients, captures::hot(&captures::address("killed"))).await?);
            answered.send_modify(|count| *count += 1);
        }
        anyhow::Ok(ids)
    });
    // One answer between two rounds: processes that start faster than a caller asks again would never serve one.
    while answers.changed().await.is_ok() {
        stack
            .connectors
            .first_mut()
            .context("a connector")?
            .restart()
            .await?;
        stack.leads.restart().await?;
        stack
            .connectors
            .last_mut()
            .context("a connector")?
            .restart()
            .await?;
    }
    let ids = caller.await??;
    // A lead that was under way alone at three of the kills is given up with a reason, as it is for one that kills.
    for lead in check(&mut stack, &ids).await? {
        let reason = hubspot_link(&lead).and_then(|link| link.reason.as_ref());
        if reason.is_some_and(|reason| reason.code == "WORKER_CRASH") {
            let request = SyncLeadRequest {
                lead_id: lead.id,
                ..SyncLeadRequest::default()
            };
            // The first call after a restart may find the old connection broken.
            patiently(|| {
                let (mut leads, request) = (stack.clients.leads.clone(), request.clone());
                async move { leads.sync_lead(request).await }
            })
            .await?;
        }
    }
    check_synced(&mut stack, &ids).await
}

async fn a_connector_frozen_past_its_leases_does_no_harm(storage: Storage) -> Result<()> {
    let options = StackOptions {
        storage,
        connectors: 2,
        ..StackOptions::default()
    };
    let mut stack = Stack::start_with(options).await?;
    stack
        .hubspot
        .inject(Fault::latency(Duration::from_millis(300), Duration::ZERO))?;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(collect(&stack, captures::hot(&captures::address("frozen"))).await?);
    }
    stack
        .connectors
        .first_mut()
        .context("a connector")?
        .process()?
        .freeze()?;
    // Newer revisions, which the other replica writes while the frozen one still holds older ones.
    for id in &ids {
        let request = leads_proto::leads::v1::AppendConversationRequest {
            lead_id: id.clone(),
            messages: captures::warm("a@b.example").messages,
            conversation_id: "later".to_owned(),
            ..Default::default()
        };
        stack.clients.leads.append_conversation(request).await?;
    }
    check_synced(&mut stack, &ids).await?;
    stack
        .connectors
        .first_mut()
        .context("a connector")?
        .process()?
        .thaw()?;
    stack
        .connectors
        .first_mut()
        .context("a connector")?
        .ready()
        .await?;
    ids.push(collect(&stack, captures::hot(&captures::address("after"))).await?);
    check_synced(&mut stack, &ids).await
}

#[tokio::test]
async fn cut_links_lose_and_double_nothing() -> Result<()> {
    let mut stack = Stack::start_with(StackOptions {
        proxied: true,
        ..StackOptions::default()
    })
    .await?;
    let mut ids = Vec::new();
    for round in 0..12 {
        let links = stack.links.as_ref().context("links")?;
        let all = [
            &links.connector_leads,
            &links.connector_hubspot,
            &links.connector_redis,
            &links.leads_redis,
        ];
        let link = all.into_iter().nth(round % all.len()).context("a link")?;
        match round / all.len() {
            0 => link.cut_now(),
            1 => link.set(Link {
                cut_after: Some(600),
                ..Link::default()
            }),
            _ => link.set(Link {
                latency: Duration::from_millis(80),
                bytes_per_second: Some(20_000),
                ..Link::default()
            }),
        }
        for _ in 0..3 {
            ids.push(collect(&stack, captures::hot(&captures::address("cut"))).await?);
        }
    }
    for link in stack.links.iter().flat_map(|links| {
        [
            &links.connector_hubspot,
            &links.connector_redis,
            &links.leads_redis,
            &links.connector_leads,
        ]
    }) {
        link.heal();
    }
    check_synced(&mut stack, &ids).await
}

#[tokio::test]
async fn a_stopped_process_ends_in_order_and_leaves_nothing_to_repair() -> Result<()> {
    let mut stack = Stack::start_with(StackOptions {
        connectors: 2,
        ..StackOptions::default()
    })
    .await?;
    stack
        .hubspot
        .inject(Fault::latency(Duration::from_millis(300), Duration::ZERO))?;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(collect(&stack, captures::hot(&captures::address("drain"))).await?);
    }
    let drained = stack
        .connectors
        .first_mut()
        .context("a connector")?
        .process()?
        .stop(Duration::from_secs(30))
        .await?;
    assert!(drained.success(), "{drained}\n{}", stack.tails());
    check_synced(&mut stack, &ids).await
}

//! Redis may be wiped, stopped, killed or cut off at any time: it holds hints, and no promise depends on them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use leads_testkit::{
    captures,
    fakes::hubspot::Fault,
    faults::Link,
    stack::{Postgresql, Stack, StackOptions, Storage},
};

use crate::{checker::check_synced, collect, on_both_databases};

on_both_databases!(
    a_wiped_redis_loses_nothing,
    captures_are_accepted_without_redis_and_synced_when_it_is_back,
    a_redis_that_stops_answering_holds_up_no_capture,
);

const LEADS: usize = 30;

async fn captured(stack: &Stack, count: usize) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(collect(stack, captures::hot(&captures::address("redis"))).await?);
    }
    Ok(ids)
}

async fn a_wiped_redis_loses_nothing(storage: Storage) -> Result<()> {
    let mut stack = Stack::start_with(StackOptions {
        storage,
        ..StackOptions::default()
    })
    .await?;
    // Slow calls, so that the wipes meet entries that wait, entries being read and entries being delivered.
    let slow = Duration::from_millis(150);
    stack.hubspot.inject(Fault::latency(slow, slow))?;
    let mut ids = Vec::new();
    for _ in 0..LEADS / 5 {
        ids.extend(captured(&stack, 5).await?);
        stack.redis.flushall().await?;
    }
    check_synced(&mut stack, &ids).await
}

async fn captures_are_accepted_without_redis_and_synced_when_it_is_back(storage: Storage) -> Result<()> {
    let mut stack = Stack::start_with(StackOptions {
        storage,
        ..StackOptions::default()
    })
    .await?;
    let mut ids = captured(&stack, 5).await?;
    stack.redis.kill()?;
    ids.extend(captured(&stack, LEADS).await?);
    stack.redis.restart().await?;
    check_synced(&mut stack, &ids).await
}

#[tokio::test]
async fn a_minute_without_redis_holds_up_no_capture_and_loses_none() -> Result<()> {
    let mut stack = Stack::start_with(StackOptions {
        storage: Storage::Postgres(Postgresql::Shared),
        ..StackOptions::default()
    })
    .await?;
    let mut ids = captured(&stack, 5).await?;
    stack.redis.kill()?;
    let outage = Instant::now();
    while outage.elapsed() < Duration::from_secs(60) {
        let start = Instant::now();
        ids.extend(captured(&stack, 1).await?);
        ensure!(
            start.elapsed() < Duration::from_secs(5),
            "a capture took {:?}",
            start.elapsed()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ensure!(stack.leads.process()?.is_running()?, "{}", stack.tails());
    stack.redis.restart().await?;
    check_synced(&mut stack, &ids).await
}

async fn a_redis_that_stops_answering_holds_up_no_capture(storage: Storage) -> Result<()> {
    let options = StackOptions {
        storage,
        proxied: true,
        ..StackOptions::default()
    };
    let mut stack = Stack::start_with(options).await?;
    let black_hole = |stack: &Stack, black_hole| {
        for link in stack
            .links
            .iter()
            .flat_map(|links| [&links.leads_redis, &links.connector_redis])
        {
            link.set(Link {
                black_hole,
                ..Link::default()
            });
        }
    };
    black_hole(&stack, true);
    let ids = tokio::time::timeout(Duration::from_secs(20), captured(&stack, LEADS)).await??;
    black_hole(&stack, false);
    check_synced(&mut stack, &ids).await
}

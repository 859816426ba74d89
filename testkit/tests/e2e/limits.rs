//! The vendor's limit belongs to the account: all replicas together keep it in every sliding window.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use leads_testkit::{
    captures,
    fakes::hubspot::{DEFAULT_PORTAL, DEFAULT_TOKEN, HubspotOptions, PortalOptions},
    stack::{Stack, StackOptions},
};

use crate::{checker::check_synced, collect};

const WINDOW: Duration = Duration::from_secs(10);
const BURST: usize = 30;
/// Longer than two windows, so that a bucket which refills too early is seen.
const LOAD: Duration = Duration::from_secs(25);

async fn two_replicas() -> Result<Stack> {
    let portal = PortalOptions::new(DEFAULT_PORTAL)
        .token(DEFAULT_TOKEN)
        .burst(BURST);
    let hubspot = HubspotOptions {
        portals: vec![portal],
        ..HubspotOptions::default()
    };
    Stack::start_with(StackOptions {
        connectors: 2,
        hubspot,
        ..StackOptions::default()
    })
    .await
}

/// Captures without a pause, a few at a time so that batches stay small and calls many.
async fn load(
    stack: &mut Stack,
    mut disturb: impl AsyncFnMut(&mut Stack, u32) -> Result<()>,
) -> Result<Vec<String>> {
    let (start, mut ids, mut round) = (Instant::now(), Vec::new(), 0);
    while start.elapsed() < LOAD {
        ids.push(collect(stack, captures::hot(&captures::address("limit"))).await?);
        disturb(stack, round).await?;
        round += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(ids)
}

fn kept(stack: &Stack) -> Result<()> {
    let most = stack.hubspot.max_in_sliding_window(DEFAULT_PORTAL, WINDOW);
    ensure!(
        most <= BURST,
        "{most} calls in some window of 10 s; the account has {BURST}"
    );
    ensure!(
        stack.hubspot.request_count() > BURST,
        "the load was too small to meet the limit"
    );
    Ok(())
}

#[tokio::test]
async fn two_replicas_together_never_exceed_the_accounts_limit() -> Result<()> {
    let mut stack = two_replicas().await?;
    let ids = load(&mut stack, async |_, _| Ok(())).await?;
    check_synced(&mut stack, &ids).await?;
    kept(&stack)
}

#[tokio::test]
async fn nor_while_redis_is_wiped_and_replicas_restart() -> Result<()> {
    let mut stack = two_replicas().await?;
    let ids = load(&mut stack, async |stack, round| {
        match round % 40 {
            10 => stack.redis.flushall().await?,
            25 => {
                if let Some(connector) = stack.connectors.last_mut() {
                    connector.restart().await?;
                }
            }
            _ => {}
        }
        Ok(())
    });
    let ids = ids.await?;
    check_synced(&mut stack, &ids).await?;
    kept(&stack)
}

//! From the capture's call to HubSpot's acceptance, at a constant rate of arrival.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::MissedTickBehavior;

use super::{
    load::unlimited,
    report::{Samples, Section, grouped, quantile},
    usage::MemoryPeak,
};
use crate::{
    captures,
    fakes::hubspot::{DEFAULT_PORTAL, Fault, PortalOptions, Tier},
    http::Http,
    stack::{Postgresql, Stack, StackOptions, Storage, Timing, hubspot_link},
};

const PER_SECOND: u32 = 100;
const LEADS: u32 = 1_500;
const VENDOR: Duration = Duration::from_millis(20);
const BARE_CALLS: usize = 50;
const BARE_TOKEN: &str = "pat-na1-00000000-0000-4000-8000-00000000beef";

const ABOUT: &str = "\
100 captures a second of new people arrive at constant distances, whether earlier ones are answered or not; all are to \
be synced. Measured from the moment a call is due to `synced_at`, the time at which leads-svc recorded HubSpot's \
acceptance. HubSpot answers after 20 ms and takes 190 calls per 10 s; a lead that is new to it takes two calls one after \
the other (look up, write), shared by up to 100 leads, so that no batch can be faster than twice the bare call.

Baseline: the median of two bare calls to the same simulator, in turns with the runs.";

/// Measures both databases.
pub async fn measure(runs: usize) -> Result<Section> {
    let columns = [
        "database",
        "p50, ms",
        "p99, ms",
        "max, ms",
        "two bare calls, ms",
        "p50 / bare",
        "most calls in 10 s",
    ];
    let mut section = Section::new("latency", "Capture to synced", ABOUT, &columns);
    for (name, storage) in [
        ("SQLite", Storage::Sqlite),
        ("Postgres", Storage::Postgres(Postgresql::Shared)),
    ] {
        let mut stack = Stack::start_with(unlimited(StackOptions {
            storage,
            timing: Timing::Shipped,
            ..StackOptions::default()
        }))
        .await?;
        stack.hubspot.inject(Fault::latency(VENDOR, Duration::ZERO))?;
        // The bare calls have an account of their own, so that they take nothing from the connector's limit.
        let bare_account = PortalOptions::new(DEFAULT_PORTAL + 1)
            .token(BARE_TOKEN)
            .tier(Tier::Unlimited);
        stack.hubspot.add_portal(bare_account)?;
        let memory = MemoryPeak::watch(stack.leads.process()?.pid());

        let mut shown: [Samples; 3] = Default::default();
        let mut bare = Samples::default();
        for run in 0..=runs {
            let base = bare_call(&stack).await? * 2.0;
            let times = arrivals(&mut stack).await?;
            if run > 0 {
                bare.push(base);
                for (samples, share) in shown.iter_mut().zip([0.5, 0.99, 1.0]) {
                    samples.push(quantile(&times, share));
                }
            }
        }
        let [p50, p99, max] = &shown;
        section.row(vec![
            name.to_owned(),
            p50.show(0),
            p99.show(0),
            max.show(0),
            bare.show(0),
            p50.ratios(&bare).show(1),
            stack
                .hubspot
                .max_in_sliding_window(DEFAULT_PORTAL, Duration::from_secs(10))
                .to_string(),
        ]);
        section.note(format!(
            "leads-svc on {name} had {} MB resident at most.",
            grouped(memory.mb(), 0)
        ));
        stack.stop().await?;
    }
    Ok(section.finish())
}

async fn bare_call(stack: &Stack) -> Result<f64> {
    let http = Http::new(stack.hubspot.base_url()).bearer(BARE_TOKEN);
    let mut times = Vec::new();
    for _ in 0..BARE_CALLS {
        let called = Instant::now();
        http.get("/account-info/v3/details").await?;
        times.push(called.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(quantile(&times, 0.5))
}

/// Milliseconds from due to synced, sorted.
async fn arrivals(stack: &mut Stack) -> Result<Vec<f64>> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    ticks.tick().await;
    let start = Utc::now();
    let mut calls = Vec::new();
    for number in 0..LEADS {
        let mut leads = stack.clients.leads.clone();
        calls.push(tokio::spawn(async move {
            let due = start + TimeDelta::microseconds(i64::from(number) * 1_000_000 / i64::from(PER_SECOND));
            let answer = leads
                .collect_lead(captures::warm(&captures::address("latency")))
                .await?;
            let lead = answer.into_inner().lead.context("no lead came into being")?;
            anyhow::Ok((due, lead.id))
        }));
        ticks.tick().await;
    }
    let (mut due, mut ids) = (Vec::new(), Vec::new());
    for call in calls {
        let (at, id) = call.await??;
        due.push(at);
        ids.push(id);
    }
    let leads = stack.all_settled(&ids, Duration::from_secs(120)).await?;
    let mut times = Vec::new();
    for (due, lead) in due.into_iter().zip(&leads) {
        let synced = hubspot_link(lead).and_then(|link| link.synced_at);
        let synced = synced.context("a lead was not synced")?;
        let nanos = u32::try_from(synced.nanos)?;
        let synced: DateTime<Utc> = DateTime::from_timestamp(synced.seconds, nanos).context("time")?;
        times.push((synced - due).as_seconds_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

//! Failures that pass, failures that stay, and when to stop trying.

use std::time::Duration;

use leads_svc::domain::{
    lead::Stage,
    sync::{Lane, Status},
};

use super::protocol::move_to;
use crate::world::{World, delivered, on_both_databases, paused, rejected, retry, unknown};

on_both_databases!(
    pauses_double_from_two_seconds_to_an_hour,
    a_pause_is_never_shorter_than_the_vendor_asked_for,
    a_job_is_given_up_after_forty_tries,
    a_job_is_given_up_after_eighty_hours,
    a_job_that_waited_for_days_has_all_its_tries_before_it,
    failures_from_before_a_pause_of_days_do_not_count,
    connecting_again_forgives_failures_of_what_still_waits,
    a_newer_revision_is_tried_although_the_older_one_is_exhausted,
    unknown_outcomes_are_given_up_too,
    a_retry_that_succeeds_starts_anew,
    a_rejected_lead_shows_why_and_waits,
    a_new_revision_owes_a_rejected_lead_again,
    a_forced_sync_owes_a_rejected_lead_again,
    a_rejection_of_an_older_revision_does_not_count,
);

/// Longer than any pause.
const AN_HOUR: Duration = Duration::from_secs(3_600);

async fn pauses_double_from_two_seconds_to_an_hour(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    for attempt in 0..20 {
        let grant = world.grant().await;
        assert_eq!(grant.attempt, attempt);
        let now = world.store.clock().now();
        world.report(&grant, retry(None)).await;
        let most = (2_u64 << attempt).min(3_600);
        let job = world.job(lead.id).await.unwrap();
        assert_eq!((job.state.as_str(), job.attempt), ("pending", attempt + 1));
        assert!(job.next_at >= now);
        // The report itself takes a moment.
        assert!(
            job.next_at <= now + Duration::from_secs(most + 5),
            "{attempt}: {}",
            job.next_at - now
        );
        world.pass(AN_HOUR);
    }
}

async fn a_pause_is_never_shorter_than_the_vendor_asked_for(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    let now = world.store.clock().now();
    world
        .report(&grant, retry(Some(Duration::from_secs(7_200))))
        .await;
    let job = world.job(lead.id).await.unwrap();
    assert!(job.next_at >= now + Duration::from_secs(7_200));
    let link = world.view(lead.id).await.links.remove(0);
    assert_eq!(
        (link.status, link.reason.unwrap().code.as_str()),
        (Status::Pending, "UNAVAILABLE")
    );
    world.pass(AN_HOUR);
    assert_eq!(world.publish().await, []);
    world.pass(AN_HOUR);
    assert_eq!(world.grant().await.attempt, 1);
}

/// Fails the one job until it is given up, every hour; how often that was.
async fn fail_until_given_up(world: &World, lead: uuid::Uuid, unknown_outcomes: bool) -> usize {
    let mut tries = 0;
    while world.state(lead).await != "dead" {
        assert!(tries < 100);
        let grant = world.grant().await;
        let outcome = if unknown_outcomes { unknown() } else { retry(None) };
        world.report(&grant, outcome).await;
        tries += 1;
        world.pass(AN_HOUR);
    }
    tries
}

async fn a_job_is_given_up_after_forty_tries(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    assert_eq!(fail_until_given_up(&world, lead, false).await, 40);
    let link = world.view(lead).await.links.remove(0);
    assert_eq!((link.status, link.pending_since), (Status::Error, None));
    let reason = link.reason.unwrap();
    assert_eq!(reason.code, "EXHAUSTED");
    assert!(
        reason.message.contains("40 tries") && reason.message.contains("UNAVAILABLE"),
        "{reason:?}"
    );
    assert_eq!(world.timeline(lead).await, ["captured", "scored", "sync_failed"]);
    world.core.sync_lead(&world.caller, lead, None).await.unwrap();
    assert_eq!(world.grant().await.attempt, 0);
}

async fn a_job_is_given_up_after_eighty_hours(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, retry(None)).await;
    world.pass(AN_HOUR * 79);
    world.report(&world.grant().await, retry(None)).await;
    assert_eq!(world.state(lead).await, "pending");
    world.pass(AN_HOUR * 2);
    world.report(&world.grant().await, retry(None)).await;
    let link = world.view(lead).await.links.remove(0);
    assert_eq!(
        (link.status, link.reason.unwrap().code.as_str()),
        (Status::Error, "EXHAUSTED")
    );
    assert_eq!(world.timeline(lead).await, ["captured", "scored", "sync_failed"]);
}

async fn a_job_that_waited_for_days_has_all_its_tries_before_it(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, paused(None)).await;
    world.pass(AN_HOUR * 100);
    world.connect().await;
    for outcome in [retry(None), unknown(), retry(None)] {
        world.report(&world.grant().await, outcome).await;
        assert_eq!(world.state(lead).await, "pending");
        world.pass(AN_HOUR);
    }
    let link = world.view(lead).await.links.remove(0);
    let waits = world.store.clock().now() - link.pending_since.unwrap();
    assert!(
        waits.num_hours() >= 100,
        "a change waits since it was made: {waits}"
    );
}

async fn failures_from_before_a_pause_of_days_do_not_count(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, retry(None)).await;
    world.pass(AN_HOUR * 100);
    for _ in 0..2 {
        world.report(&world.grant().await, retry(None)).await;
        assert_eq!(world.state(lead).await, "pending");
        world.pass(AN_HOUR);
    }
}

async fn connecting_again_forgives_failures_of_what_still_waits(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    for _ in 0..39 {
        world.report(&world.grant().await, retry(None)).await;
        world.pass(AN_HOUR);
    }
    world.connect().await;
    world.report(&world.grant().await, retry(None)).await;
    let job = world.job(lead).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempt), ("pending", 1));
}

async fn a_newer_revision_is_tried_although_the_older_one_is_exhausted(world: World) {
    world.connect().await;
    for (name, outcome) in [("ana", retry(None)), ("bo", unknown())] {
        let lead = world.lead(name).await.id;
        for _ in 0..39 {
            world.report(&world.grant().await, outcome.clone()).await;
            world.pass(AN_HOUR);
        }
        let last = world.grant().await;
        move_to(&world, lead, Stage::Contacted).await;
        world.report(&last, outcome).await;
        let job = world.job(lead).await.unwrap();
        assert_eq!((job.state.as_str(), job.attempt), ("pending", 0));
        assert!(!world.told_of_failure(lead).await);
        world.pass(AN_HOUR);
        let newer = world.grant().await;
        assert_eq!(
            (newer.attempt, newer.record.as_ref().unwrap().lead.sync_revision),
            (0, 2)
        );
        world.report(&newer, rejected()).await;
    }
}

async fn unknown_outcomes_are_given_up_too(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    assert_eq!(fail_until_given_up(&world, lead, true).await, 40);
    let link = world.view(lead).await.links.remove(0);
    assert_eq!(
        (link.status, link.reason.unwrap().code.as_str()),
        (Status::Error, "EXHAUSTED")
    );
    assert_eq!(world.timeline(lead).await, ["captured", "scored", "sync_failed"]);
}

async fn a_retry_that_succeeds_starts_anew(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    for _ in 0..3 {
        world.report(&world.grant().await, retry(None)).await;
        world.pass(AN_HOUR);
    }
    world.deliver().await;
    let job = world.job(lead).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempt, job.reason), ("done", 0, None));
}

async fn a_rejected_lead_shows_why_and_waits(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, rejected()).await;
    let link = world.view(lead).await.links.remove(0);
    assert_eq!(link.status, Status::Error);
    let reason = link.reason.unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.message.as_str()),
        ("VALIDATION", "the CRM said VALIDATION")
    );
    assert_eq!(world.timeline(lead).await, ["captured", "scored", "sync_failed"]);
    world.pass(AN_HOUR * 100);
    world.store.sweep().await.unwrap();
    assert_eq!(world.publish().await, []);
}

async fn a_new_revision_owes_a_rejected_lead_again(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, rejected()).await;
    move_to(&world, lead, Stage::Contacted).await;
    let link = world.view(lead).await.links.remove(0);
    assert_eq!(
        (link.status, link.reason, link.wanted_revision),
        (Status::Pending, None, 2)
    );
    world.deliver().await;
    assert_eq!(world.view(lead).await.links[0].status, Status::Synced);
}

async fn a_forced_sync_owes_a_rejected_lead_again(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, rejected()).await;
    let links = world.core.sync_lead(&world.caller, lead, None).await.unwrap();
    assert_eq!((links[0].status, &links[0].reason), (Status::Pending, &None));
    let hints = world.publish().await;
    assert_eq!(hints[0].lane, Lane::Hot);
}

async fn a_rejection_of_an_older_revision_does_not_count(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    let grant = world.grant().await;
    move_to(&world, lead, Stage::Contacted).await;
    world.report(&grant, rejected()).await;
    assert_eq!(world.state(lead).await, "pending");
    assert_eq!(
        world.timeline(lead).await,
        ["captured", "scored", "stage_changed"]
    );
    let again = world.grant().await;
    world.report(&again, delivered()).await;
    assert_eq!(world.state(lead).await, "done");
}

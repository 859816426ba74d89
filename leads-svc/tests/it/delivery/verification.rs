//! Outcomes that nobody knows: written again by the same key, then read back.

use std::time::Duration;

use leads_svc::{
    domain::{lead::Stage, sync::Status},
    storage::jobs::{claim::Grant, report::Receipt},
};

use super::protocol::move_to;
use crate::world::{LEASE, VERIFY_AFTER, World, delivered, on_both_databases, unknown, verified};

on_both_databases!(
    an_unknown_outcome_is_written_again_and_then_verified,
    a_verification_that_finds_an_older_revision_writes_again,
    a_verification_that_finds_no_record_writes_again,
    a_verification_changes_neither_latency_nor_time_of_the_sync,
    a_change_during_verification_is_written_first_and_counts_from_then,
    a_lost_lease_is_verified_after_the_next_delivery,
    a_late_report_of_a_lost_lease_is_refused_and_the_job_verified,
    a_late_report_of_a_settled_job_has_it_verified,
);

/// The one verification that is owed, which is due no earlier than two leases from now.
async fn verification(world: &World) -> Grant {
    assert_eq!(world.publish().await, []);
    world.pass(VERIFY_AFTER - Duration::from_secs(5));
    assert_eq!(world.publish().await, []);
    world.pass(Duration::from_secs(5));
    let grant = world.grant().await;
    assert!(grant.verify);
    grant
}

async fn an_unknown_outcome_is_written_again_and_then_verified(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let first = world.grant().await;
    world.report(&first, unknown()).await;
    let link = world.view(lead.id).await.links.remove(0);
    assert_eq!(link.status, Status::Pending);
    assert_eq!(link.reason.unwrap().code, "UNKNOWN_OUTCOME");

    world.pass(Duration::from_secs(2));
    let second = world.grant().await;
    assert_eq!((second.verify, second.attempt), (false, 1));
    world.report(&second, delivered()).await;
    assert_eq!(world.view(lead.id).await.links[0].status, Status::Pending);

    let check = verification(&world).await;
    world.report(&check, verified(1)).await;
    let job = world.job(lead.id).await.unwrap();
    assert_eq!((job.state.as_str(), job.synced_revision), ("done", 1));
    assert!(!job.unknown_outcome && !job.verifying);
}

async fn delivered_after_unknown(world: &World, name: &str) -> uuid::Uuid {
    let lead = world.lead(name).await;
    world.report(&world.grant().await, unknown()).await;
    world.pass(Duration::from_secs(2));
    move_to(world, lead.id, Stage::Contacted).await;
    world.deliver().await;
    lead.id
}

async fn a_verification_that_finds_an_older_revision_writes_again(world: World) {
    world.connect().await;
    let lead = delivered_after_unknown(&world, "ana").await;
    let check = verification(&world).await;
    world.report(&check, verified(1)).await;
    let job = world.job(lead).await.unwrap();
    assert_eq!((job.state.as_str(), job.synced_revision), ("pending", 1));
    let again = world.grant().await;
    assert!(!again.verify);
    assert_eq!(again.record.as_ref().unwrap().lead.sync_revision, 2);
    world.report(&again, delivered()).await;
    let job = world.job(lead).await.unwrap();
    assert_eq!((job.state.as_str(), job.synced_revision), ("done", 2));
}

async fn a_verification_that_finds_no_record_writes_again(world: World) {
    world.connect().await;
    let lead = delivered_after_unknown(&world, "ana").await;
    let check = verification(&world).await;
    assert_eq!(check.external_id, "1001");
    world.report(&check, verified(0)).await;
    let again = world.grant().await;
    assert_eq!((again.verify, again.external_id.as_str()), (false, ""));
    world.report(&again, delivered()).await;
    assert_eq!(world.state(lead).await, "done");
}

async fn a_verification_changes_neither_latency_nor_time_of_the_sync(world: World) {
    world.connect().await;
    let lead = delivered_after_unknown(&world, "ana").await;
    let before = world.job(lead).await.unwrap();
    let check = verification(&world).await;
    world.report(&check, verified(2)).await;
    let after = world.job(lead).await.unwrap();
    assert_eq!(after.state, "done");
    assert_eq!(
        (after.synced_at, after.latency_ms),
        (before.synced_at, before.latency_ms)
    );
}

async fn a_change_during_verification_is_written_first_and_counts_from_then(world: World) {
    world.connect().await;
    let lead = delivered_after_unknown(&world, "ana").await;
    world.pass(Duration::from_secs(30));
    let changed_at = world.store.clock().now();
    move_to(&world, lead, Stage::Qualified).await;
    assert!(world.job(lead).await.unwrap().first_pending_at >= changed_at);
    let write = world.grant().await;
    assert!(!write.verify);
    assert_eq!(write.record.as_ref().unwrap().lead.sync_revision, 3);
    world.report(&write, delivered()).await;
    assert!(world.job(lead).await.unwrap().latency_ms < 30_000);
    let check = verification(&world).await;
    world.report(&check, verified(3)).await;
    assert_eq!(world.state(lead).await, "done");
}

async fn a_lost_lease_is_verified_after_the_next_delivery(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    world.grant().await;
    world.pass(LEASE);
    world.store.sweep().await.unwrap();
    world.deliver().await;
    let check = verification(&world).await;
    world.report(&check, verified(1)).await;
    assert_eq!(world.state(lead.id).await, "done");
}

async fn a_late_report_of_a_lost_lease_is_refused_and_the_job_verified(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let lost = world.grant().await;
    world.pass(LEASE);
    world.store.sweep().await.unwrap();
    let held = world.grant().await;
    assert_eq!(world.report(&lost, delivered()).await, Receipt::LeaseLost);
    assert_eq!(world.state(lead.id).await, "running");
    assert_eq!(world.report(&held, delivered()).await, Receipt::Recorded);
    let check = verification(&world).await;
    world.report(&check, verified(1)).await;
    assert_eq!(world.state(lead.id).await, "done");
}

async fn a_late_report_of_a_settled_job_has_it_verified(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let lost = world.grant().await;
    world.pass(LEASE);
    world.store.sweep().await.unwrap();
    world.deliver().await;
    let check = verification(&world).await;
    world.report(&check, verified(1)).await;
    assert_eq!(world.state(lead.id).await, "done");

    assert_eq!(world.report(&lost, delivered()).await, Receipt::LeaseLost);
    assert_eq!(world.state(lead.id).await, "pending");
    let check = verification(&world).await;
    world.report(&check, verified(0)).await;
    world.deliver().await;
    assert_eq!(world.state(lead.id).await, "done");
}

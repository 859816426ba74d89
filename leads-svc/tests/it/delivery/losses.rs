//! What was lost comes back: hints that nobody heard, leases that nobody reported on.

use std::time::Duration;

use leads_svc::{
    domain::{lead::Stage, sync::Status},
    storage::jobs::sweep::Swept,
};

use super::protocol::move_to;
use crate::world::{LEASE, PATIENCE, World, delivered, on_both_databases};

on_both_databases!(
    a_sweep_leaves_alone_what_is_on_its_way,
    a_hint_that_nobody_heard_is_published_again_with_doubled_patience,
    a_claim_ends_the_patience_for_its_hint,
    a_lost_lease_comes_back_alone_with_an_unknown_outcome,
    a_lead_that_kills_the_connector_thrice_is_given_up_and_its_neighbours_live,
    a_lead_that_was_given_up_has_three_tries_when_it_is_owed_again,
    few_leads_that_go_alone_are_on_their_way_at_a_time,
    a_loss_of_all_hints_does_not_count_against_them,
);

async fn a_sweep_leaves_alone_what_is_on_its_way(world: World) {
    world.connect().await;
    world.lead("published").await;
    world.publish().await;
    world.lead("pending").await;
    assert_eq!(world.store.sweep().await.unwrap(), Swept::default());
    world.grant().await;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.store.sweep().await.unwrap(), Swept::default());
}

async fn a_hint_that_nobody_heard_is_published_again_with_doubled_patience(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    for (round, patience) in [15, 30, 60, 120, 240, 300, 300].into_iter().enumerate() {
        let hints = world.publish().await;
        assert_eq!(hints[0].generation, round as i64 + 1);
        world.pass(Duration::from_secs(patience - 2));
        assert_eq!(world.store.sweep().await.unwrap().unheard, 0, "round {round}");
        world.pass(Duration::from_secs(2));
        assert_eq!(world.store.sweep().await.unwrap().unheard, 1, "round {round}");
        assert_eq!(world.state(lead.id).await, "pending");
    }
}

async fn a_claim_ends_the_patience_for_its_hint(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    for _ in 0..3 {
        world.publish().await;
        world.pass(PATIENCE * 10);
        world.store.sweep().await.unwrap();
    }
    world.deliver().await;
    move_to(&world, lead.id, Stage::Contacted).await;
    world.publish().await;
    world.pass(PATIENCE);
    assert_eq!(world.store.sweep().await.unwrap().unheard, 1);
}

async fn a_lost_lease_comes_back_alone_with_an_unknown_outcome(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let lost = world.grant().await;
    assert!(!lost.solo);
    world.pass(LEASE - Duration::from_secs(2));
    assert_eq!(world.store.sweep().await.unwrap().expired, 0);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.store.sweep().await.unwrap().expired, 1);
    let job = world.job(lead.id).await.unwrap();
    assert_eq!(
        (job.state.as_str(), job.solo, job.unknown_outcome),
        ("pending", true, true)
    );
    assert_eq!((job.lease_token, job.attempt), (None, 0));
    assert!(world.grant().await.solo);
}

async fn few_leads_that_go_alone_are_on_their_way_at_a_time(world: World) {
    world.connect().await;
    for person in 0..10 {
        world.lead(&format!("person{person}")).await;
    }
    world.grants().await;
    world.pass(LEASE);
    world.store.sweep().await.unwrap();
    world.lead("newcomer").await;
    let (mut alone, newcomer): (Vec<_>, Vec<_>) =
        world.grants().await.into_iter().partition(|grant| grant.solo);
    assert_eq!((alone.len(), newcomer.len()), (4, 1));
    assert_eq!(world.publish().await, []);
    world.report(&alone.remove(0), delivered()).await;
    assert_eq!(world.publish().await.len(), 1);
}

async fn a_loss_of_all_hints_does_not_count_against_them(world: World) {
    world.connect().await;
    world.lead("ana").await;
    for _ in 0..5 {
        world.publish().await;
        world.store.republish_all().await.unwrap();
    }
    world.publish().await;
    world.pass(PATIENCE);
    assert_eq!(world.store.sweep().await.unwrap().unheard, 1);
}

/// Publishes and claims what is due; all of it but `killer` is delivered, or none if it shares a batch with it.
async fn round(world: &World, killer: uuid::Uuid) {
    let grants = world.grants().await;
    let batch: Vec<_> = grants.iter().filter(|grant| !grant.solo).collect();
    let crashed = batch.iter().any(|grant| grant.lead == killer);
    for grant in &grants {
        let lead = grant.lead;
        let lost = lead == killer || (crashed && !grant.solo);
        if !lost {
            world.report(grant, delivered()).await;
        }
    }
    world.pass(LEASE);
    world.store.sweep().await.unwrap();
}

async fn a_lead_that_kills_the_connector_thrice_is_given_up_and_its_neighbours_live(world: World) {
    world.connect().await;
    let killer = world.lead("killer").await.id;
    let neighbours = [world.lead("ana").await.id, world.lead("bo").await.id];
    round(&world, killer).await;
    for neighbour in neighbours {
        assert_eq!(world.state(neighbour).await, "pending");
    }
    for lost in 0..3 {
        assert_eq!(world.state(killer).await, "pending", "lost {lost} times alone");
        round(&world, killer).await;
    }
    let link = world.view(killer).await.links.remove(0);
    assert_eq!(link.status, Status::Error);
    assert_eq!(link.reason.unwrap().code, "WORKER_CRASH");
    assert_eq!(
        world.timeline(killer).await,
        ["captured", "scored", "sync_failed"]
    );
    for neighbour in neighbours {
        let job = world.job(neighbour).await.unwrap();
        assert_eq!((job.synced_revision, job.external_id.as_str()), (1, "1001"));
    }
}

async fn a_lead_that_was_given_up_has_three_tries_when_it_is_owed_again(world: World) {
    world.connect().await;
    let lead = world.lead("killer").await.id;
    for _ in 0..4 {
        round(&world, lead).await;
    }
    assert_eq!(world.state(lead).await, "dead");
    world.core.sync_lead(&world.caller, lead, None).await.unwrap();
    for _ in 0..2 {
        round(&world, lead).await;
        assert_eq!(world.state(lead).await, "pending");
    }
    let grant = world.grant().await;
    assert!(grant.solo);
    world.report(&grant, delivered()).await;
    assert_eq!(world.job(lead).await.unwrap().synced_revision, 2);
}

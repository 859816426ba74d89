//! How much is published, in which order, and for whom.

use std::collections::BTreeMap;

use leads_svc::{domain::sync::Lane, storage::entity::sync_job};
use uuid::Uuid;

use crate::{
    population::{job, store_jobs},
    world::{HUBSPOT, PATIENCE, World, delivered, granted, hot, lead, on_both_databases, settings},
};

on_both_databases!(
    a_window_limits_what_is_on_its_way,
    a_destination_has_at_most_a_thousand_published_jobs,
    a_hundred_places_are_kept_for_hot_leads,
    a_busy_workspace_leaves_room_for_another,
    hot_leads_go_first,
    a_captured_lead_that_is_hot_overtakes_its_own_job,
    what_could_not_be_told_is_due_again,
    what_redis_may_have_lost_is_published_again,
    what_is_running_is_not_published_again,
    publishers_keep_the_window_together,
);

/// Jobs that are due, of leads that are not there: publishing does not look at them.
async fn owe(world: &World, workspace: Uuid, connection: Uuid, count: usize) {
    let now = world.store.clock().now();
    let jobs = (0..count).map(|_| job(workspace, connection, Uuid::new_v4(), "pending", now));
    store_jobs(world, jobs.collect()).await;
}

async fn a_window_limits_what_is_on_its_way(world: World) {
    world.connect().await;
    for person in 0..10 {
        world.lead(&format!("person{person}")).await;
    }
    let publish = async || world.store.publish_due(HUBSPOT, 3, PATIENCE).await.unwrap();
    let hints = publish().await;
    assert_eq!(hints.len(), 3);
    assert_eq!(publish().await, []);
    let grants: Vec<_> = world.claim(&hints).await.into_iter().map(granted).collect();
    assert_eq!(publish().await, []);
    world.report(&grants[0], delivered()).await;
    assert_eq!(publish().await.len(), 1);
}

async fn a_destination_has_at_most_a_thousand_published_jobs(world: World) {
    let connection = world.connect().await;
    owe(&world, world.workspace, connection, 1_100).await;
    let first = world.store.publish_due(HUBSPOT, 5_000, PATIENCE).await.unwrap();
    assert_eq!(first.len(), 900, "the rest is kept for hot leads");
    assert_eq!(
        world.store.publish_due(HUBSPOT, 5_000, PATIENCE).await.unwrap(),
        []
    );
    world.store.unpublish(&first[..40]).await.unwrap();
    let second = world.store.publish_due(HUBSPOT, 5_000, PATIENCE).await.unwrap();
    assert_eq!(second.len(), 40);
}

async fn a_hundred_places_are_kept_for_hot_leads(world: World) {
    let connection = world.connect().await;
    owe(&world, world.workspace, connection, 1_100).await;
    let publish = async || world.store.publish_due(HUBSPOT, 5_000, PATIENCE).await.unwrap();
    assert_eq!(publish().await.len(), 900);
    let now = world.store.clock().now();
    let hot = (0..120).map(|_| sync_job::Model {
        lane: Lane::Hot.rank(),
        ..job(world.workspace, connection, Uuid::new_v4(), "pending", now)
    });
    store_jobs(&world, hot.collect()).await;
    let lanes: Vec<Lane> = publish().await.iter().map(|hint| hint.lane).collect();
    assert_eq!(lanes, [Lane::Hot; 100]);
    assert_eq!(publish().await, []);
}

async fn a_busy_workspace_leaves_room_for_another(world: World) {
    let busy = world.connect().await;
    owe(&world, world.workspace, busy, 1_500).await;
    let (other, _) = world.tenant(settings()).await;
    let quiet = world.connect_workspace(other).await;
    owe(&world, other, quiet, 5).await;
    let mut published: BTreeMap<Uuid, usize> = BTreeMap::new();
    for hint in world.store.publish_due(HUBSPOT, 5_000, PATIENCE).await.unwrap() {
        *published.entry(hint.workspace).or_default() += 1;
    }
    assert_eq!((published[&other], published[&world.workspace]), (5, 500));
}

async fn hot_leads_go_first(world: World) {
    world.lead("bulk").await;
    world.connect().await;
    world.core.backfill_some().await.unwrap();
    world.lead("normal").await;
    let hot = lead(world.collect(hot("hot")).await);
    let one = world.store.publish_due(HUBSPOT, 1, PATIENCE).await.unwrap();
    assert_eq!(one[0].lane, Lane::Hot);
    let first = granted(world.claim(&one).await.remove(0));
    assert_eq!(first.record.as_ref().unwrap().lead.id, hot.id);
    let lanes: Vec<Lane> = world.publish().await.iter().map(|hint| hint.lane).collect();
    assert_eq!(lanes, [Lane::Normal, Lane::Bulk]);
}

async fn a_captured_lead_that_is_hot_overtakes_its_own_job(world: World) {
    world.connect().await;
    world.lead("ana").await;
    world.collect(hot("ana")).await;
    let hints = world.publish().await;
    assert_eq!(hints.len(), 1);
    assert_eq!(hints[0].lane, Lane::Hot);
}

async fn what_could_not_be_told_is_due_again(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let untold = world.publish().await;
    world.store.unpublish(&untold).await.unwrap();
    let told = world.publish().await;
    assert_eq!((told[0].job, told[0].generation), (untold[0].job, 2));
}

async fn what_redis_may_have_lost_is_published_again(world: World) {
    world.connect().await;
    for name in ["ana", "bo"] {
        world.lead(name).await;
    }
    world.publish().await;
    assert_eq!(world.store.republish_all().await.unwrap(), 2);
    let again = world.publish().await;
    assert_eq!(
        again.iter().map(|hint| hint.generation).collect::<Vec<_>>(),
        [2, 2]
    );
}

async fn publishers_keep_the_window_together(world: World) {
    let connection = world.connect().await;
    owe(&world, world.workspace, connection, 200).await;
    let publishers = (0..8).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move { store.publish_due(HUBSPOT, 20, PATIENCE).await.unwrap().len() })
    });
    let publishers: Vec<_> = publishers.collect();
    let mut published = 0;
    for publisher in publishers {
        published += publisher.await.unwrap();
    }
    assert_eq!(published, 20);
}

async fn what_is_running_is_not_published_again(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    world.grant().await;
    assert_eq!(world.store.republish_all().await.unwrap(), 0);
    assert_eq!(world.publish().await, []);
    assert_eq!(world.state(lead.id).await, "running");
}

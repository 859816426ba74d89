//! Which leads are synced, and what forces it.

use std::time::Duration;

use leads_proto::reason::Reason;
use leads_svc::domain::{
    contact::Field,
    lead::Stage,
    sync::{Lane, Status},
};

use super::protocol::move_to;
use crate::world::{World, cold, lead, on_both_databases, retry, warm};

on_both_databases!(
    a_lead_below_the_threshold_is_not_synced_by_itself,
    a_forced_sync_takes_a_lead_below_the_threshold_on_the_hot_lane,
    a_forced_sync_does_not_wait_for_the_end_of_a_pause,
    a_lead_that_was_synced_once_keeps_mirroring,
    a_lead_without_required_fields_is_blocked_until_it_has_them,
    a_forced_sync_cannot_pass_required_fields,
    a_forced_sync_needs_a_connection,
    a_lead_that_grows_over_the_threshold_is_synced,
    the_owed_count_is_capped_where_the_caller_says,
);

async fn a_lead_below_the_threshold_is_not_synced_by_itself(world: World) {
    world.connect().await;
    let lead = lead(world.collect(cold("ana")).await);
    assert_eq!(world.view(lead.id).await.links[0].status, Status::BelowThreshold);
    assert_eq!(world.publish().await, []);
    move_to(&world, lead.id, Stage::Contacted).await;
    assert_eq!(world.publish().await, []);
}

async fn a_forced_sync_takes_a_lead_below_the_threshold_on_the_hot_lane(world: World) {
    world.connect().await;
    let lead = lead(world.collect(cold("ana")).await);
    let links = world.core.sync_lead(&world.caller, lead.id, None).await.unwrap();
    assert_eq!((links[0].status, links[0].wanted_revision), (Status::Pending, 2));
    let hints = world.publish().await;
    assert_eq!(hints[0].lane, Lane::Hot);
    world.store.republish_all().await.unwrap();
    world.deliver().await;
    assert_eq!(world.view(lead.id).await.links[0].status, Status::Synced);
    assert_eq!(
        world.timeline(lead.id).await,
        ["captured", "scored", "sync_forced", "synced"]
    );
}

async fn a_forced_sync_does_not_wait_for_the_end_of_a_pause(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    world
        .report(&world.grant().await, retry(Some(Duration::from_secs(3_600))))
        .await;
    move_to(&world, lead.id, Stage::Contacted).await;
    assert_eq!(world.publish().await, []);
    world.core.sync_lead(&world.caller, lead.id, None).await.unwrap();
    let grant = world.grant().await;
    assert_eq!(
        (grant.attempt, grant.record.as_ref().unwrap().lead.sync_revision),
        (1, 3)
    );
}

async fn a_lead_that_was_synced_once_keeps_mirroring(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    world.deliver().await;
    world
        .change_settings(|settings| settings.sync_threshold = 100)
        .await;
    assert_eq!(world.view(lead.id).await.links[0].status, Status::Synced);
    move_to(&world, lead.id, Stage::Contacted).await;
    assert_eq!(
        world.grant().await.record.as_ref().unwrap().lead.stage,
        Stage::Contacted
    );
}

async fn a_lead_without_required_fields_is_blocked_until_it_has_them(world: World) {
    world.connect().await;
    world
        .change_settings(|settings| settings.required_fields = vec![Field::Phone])
        .await;
    let mut request = warm("ana");
    request.contact.as_mut().unwrap().phone.clear();
    let lead = lead(world.collect(request).await);
    let link = world.view(lead.id).await.links.remove(0);
    assert_eq!(link.status, Status::Blocked);
    let reason = link.reason.unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.field.as_str()),
        ("MISSING_FIELD", "contact.phone")
    );
    assert_eq!(world.publish().await, []);
    world.lead("ana").await;
    let grant = world.grant().await;
    assert_eq!(
        grant.record.as_ref().unwrap().contact.profile.phone.as_deref(),
        Some("+34600000000")
    );
}

async fn a_forced_sync_cannot_pass_required_fields(world: World) {
    world.connect().await;
    world
        .change_settings(|settings| settings.required_fields = vec![Field::Phone])
        .await;
    let mut request = warm("ana");
    request.contact.as_mut().unwrap().phone.clear();
    let lead = lead(world.collect(request).await);
    let error = world
        .core
        .sync_lead(&world.caller, lead.id, None)
        .await
        .unwrap_err();
    assert_eq!(error.reason, Reason::SyncBlocked);
    assert_eq!(error.metadata, [("field", "contact.phone".to_owned())]);
    assert_eq!(world.view(lead.id).await.lead.revision, 1);
}

async fn a_forced_sync_needs_a_connection(world: World) {
    let lead = world.lead("ana").await;
    assert_eq!(world.view(lead.id).await.links[0].status, Status::NotConnected);
    let error = world
        .core
        .sync_lead(&world.caller, lead.id, None)
        .await
        .unwrap_err();
    assert_eq!(error.reason, Reason::NotConnected);
}

async fn a_lead_that_grows_over_the_threshold_is_synced(world: World) {
    world.connect().await;
    let before = lead(world.collect(cold("ana")).await);
    let after = world.lead("ana").await;
    assert_eq!(before.id, after.id);
    assert!(after.score > before.score);
    assert_eq!(
        world.grant().await.record.as_ref().unwrap().lead.score,
        after.score
    );
}

async fn the_owed_count_is_capped_where_the_caller_says(world: World) {
    let connection = world.connect().await;
    for person in 0..5 {
        world.lead(&format!("person{person}")).await;
    }
    let count = async |most| {
        world
            .store
            .count_owed(world.workspace, connection, most)
            .await
            .unwrap()
    };
    assert_eq!((count(10).await, count(3).await), (5, 3));
    let owing = world.core.list_connections(&world.caller).await.unwrap();
    assert_eq!(owing[0].owed, 5);
}

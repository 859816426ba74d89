//! Leads that were there before they were to be synced.

use std::time::Duration;

use leads_svc::{
    domain::{contact::Field, sync::Lane},
    storage::entity::sync_job,
};
use sea_orm::EntityTrait;

use crate::world::{World, cold, lead, on_both_databases, warm};

on_both_databases!(
    leads_from_before_the_connection_are_owed_in_the_bulk_lane,
    a_lowered_threshold_owes_the_leads_that_reach_it_now,
    leads_that_lack_required_fields_are_not_owed_until_the_setting_changes,
    a_second_look_finds_what_the_first_could_not_see_and_there_is_no_third,
    a_connection_that_is_being_checked_is_not_looked_through,
    other_workspaces_are_not_touched,
);

/// Looks until there is nothing to look for now.
async fn look(world: &World) -> usize {
    let mut looks = 0;
    while world.core.backfill_some().await.unwrap() {
        looks += 1;
        assert!(looks < 20);
    }
    looks
}

async fn leads_from_before_the_connection_are_owed_in_the_bulk_lane(world: World) {
    let mut qualified = Vec::new();
    for name in ["ana", "bo", "cy"] {
        qualified.push(world.lead(name).await.id);
    }
    let unqualified = lead(world.collect(cold("dee")).await).id;
    assert_eq!(look(&world).await, 0);
    world.connect().await;
    look(&world).await;
    let hints = world.publish().await;
    assert_eq!(hints.len(), 3);
    assert!(hints.iter().all(|hint| hint.lane == Lane::Bulk));
    for lead in qualified {
        assert_eq!(world.state(lead).await, "published");
    }
    assert_eq!(world.state(unqualified).await, "none");
}

async fn a_lowered_threshold_owes_the_leads_that_reach_it_now(world: World) {
    world.connect().await;
    look(&world).await;
    let cold = lead(world.collect(cold("ana")).await).id;
    assert_eq!(world.state(cold).await, "none");
    world
        .change_settings(|settings| settings.sync_threshold = 0)
        .await;
    look(&world).await;
    assert_eq!(world.grant().await.lead, cold);
}

async fn leads_that_lack_required_fields_are_not_owed_until_the_setting_changes(world: World) {
    world
        .change_settings(|settings| settings.required_fields = vec![Field::Phone, Field::Title])
        .await;
    let mut request = warm("ana");
    request.contact.as_mut().unwrap().phone.clear();
    let blocked = lead(world.collect(request).await).id;
    let complete = world.lead("bo").await.id;
    world.connect().await;
    look(&world).await;
    assert_eq!(world.state(blocked).await, "none");
    assert_eq!(world.state(complete).await, "pending");
    world
        .change_settings(|settings| settings.required_fields = vec![Field::Title])
        .await;
    look(&world).await;
    assert_eq!(world.state(blocked).await, "pending");
}

async fn a_second_look_finds_what_the_first_could_not_see_and_there_is_no_third(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    look(&world).await;
    let forget = async || sync_job::Entity::delete_many().exec(&world.raw).await.unwrap();
    // As if the capture's transaction had begun before the connection was there and ended after the first look.
    forget().await;
    assert_eq!(look(&world).await, 0);
    world.pass(Duration::from_secs(30));
    assert_ne!(look(&world).await, 0);
    assert_eq!(world.state(lead).await, "pending");
    forget().await;
    world.pass(Duration::from_secs(3_600));
    assert_eq!(look(&world).await, 0);
}

async fn a_connection_that_is_being_checked_is_not_looked_through(world: World) {
    let lead = world.lead("ana").await.id;
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let mapping = std::collections::BTreeMap::new();
    let asked = world.store.connect_provider(
        world.workspace,
        &keys,
        crate::world::HUBSPOT,
        "pat",
        &mapping,
        "test",
    );
    asked.await.unwrap();
    world
        .change_settings(|settings| settings.sync_threshold = 1)
        .await;
    assert_eq!(look(&world).await, 0);
    assert_eq!(world.state(lead).await, "none");
}

async fn other_workspaces_are_not_touched(world: World) {
    let (_, caller) = world.tenant(crate::world::settings()).await;
    let foreign = world.lead_as(&caller, "ana").await.id;
    world.connect().await;
    look(&world).await;
    assert_eq!(world.state(foreign).await, "none");
}

//! A look through the leads that are to be owed: step by step, beside everything else.

use std::time::Duration;

use leads_svc::{
    domain::{consent_policy::ConsentPolicy, lead::Stage},
    service::leads::LeadChange,
    storage::{
        Error,
        entity::{lead, sync_job, workspace},
        jobs::backfill::{Look, Place},
    },
};
use rand::{SeedableRng, rngs::StdRng};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};

use crate::{
    population::{somebody, store},
    world::{World, on_both_databases, settings},
};

on_both_databases!(
    a_look_goes_on_where_it_stopped,
    a_changed_setting_begins_the_look_anew,
    a_step_finds_its_leads_while_somebody_writes,
    a_lead_that_changes_in_between_is_owed_as_it_is_then,
    a_lead_that_is_deleted_in_between_is_not_owed,
    a_step_that_another_replica_took_owes_nothing,
    a_look_that_was_asked_for_anew_is_not_finished_by_the_old_one,
    a_job_that_wants_less_than_its_lead_has_is_raised,
    a_look_that_fails_keeps_no_other_waiting,
    jobs_of_many_leads_follow_a_new_consent_policy,
);

/// Stores leads that are all to be synced, and connects the workspace.
async fn populate(world: &World, people: usize) {
    let mut random = StdRng::seed_from_u64(11);
    let now = world.store.clock().now();
    let people = (0..people).map(|_| {
        let (profile, mut lead) = somebody(&mut random, now);
        lead.score = 90;
        (profile, lead)
    });
    store(world, people.collect()).await;
    world.connect().await;
}

async fn jobs(world: &World) -> u64 {
    sync_job::Entity::find().count(&world.raw).await.unwrap()
}

/// Steps until there is nothing to look for now.
async fn finish(world: &World) {
    let mut steps = 0;
    while world.core.backfill_some().await.unwrap() {
        steps += 1;
        assert!(steps < 20);
    }
}

async fn find(world: &World) -> (Look, Vec<Place>) {
    let look = world.store.find_due_look().await.unwrap().unwrap();
    let workspace = world.store.find_workspace(world.workspace).await.unwrap();
    let settings = workspace.unwrap().settings;
    let found = world.store.leads_to_owe(&look, &settings).await.unwrap();
    (look, found)
}

async fn a_look_goes_on_where_it_stopped(world: World) {
    populate(&world, 250).await;
    assert!(world.core.backfill_some().await.unwrap());
    assert_eq!(jobs(&world).await, 100);
    // Were it to begin again it would find these once more.
    sync_job::Entity::delete_many().exec(&world.raw).await.unwrap();
    finish(&world).await;
    assert_eq!(jobs(&world).await, 150);
    world.pass(Duration::from_secs(30));
    finish(&world).await;
    assert_eq!(jobs(&world).await, 250);
}

async fn a_changed_setting_begins_the_look_anew(world: World) {
    populate(&world, 150).await;
    assert!(world.core.backfill_some().await.unwrap());
    sync_job::Entity::delete_many().exec(&world.raw).await.unwrap();
    world
        .change_settings(|settings| settings.sync_threshold = 80)
        .await;
    finish(&world).await;
    assert_eq!(jobs(&world).await, 150);
}

async fn a_step_finds_its_leads_while_somebody_writes(world: World) {
    populate(&world, 10).await;
    let writer = world.store.begin().await.unwrap();
    let found = tokio::time::timeout(Duration::from_secs(10), find(&world));
    assert_eq!(found.await.expect("it waits for the writer").1.len(), 10);
    drop(writer);
}

async fn a_lead_that_changes_in_between_is_owed_as_it_is_then(world: World) {
    // A replica that does not know of the connection yet owes it nothing.
    let (other, _) = world.replica().await;
    let lead = world.lead("ana").await;
    other.facts(world.workspace).await.unwrap();
    world.connect().await;
    let (look, found) = find(&world).await;
    let change = LeadChange {
        stage: Some(Stage::Contacted),
        ..LeadChange::default()
    };
    let changed = other.update_lead(&world.caller, lead.id, change).await.unwrap();
    assert_eq!(changed.lead.sync_revision, 2);
    assert_eq!(world.state(lead.id).await, "none");
    world.store.owe_leads(&look, &found).await.unwrap();
    assert_eq!(world.job(lead.id).await.unwrap().wanted_revision, 2);
}

async fn a_lead_that_is_deleted_in_between_is_not_owed(world: World) {
    let lead = world.lead("ana").await.id;
    world.connect().await;
    let (look, found) = find(&world).await;
    world.core.delete_lead(&world.caller, lead).await.unwrap();
    world.store.owe_leads(&look, &found).await.unwrap();
    assert_eq!(jobs(&world).await, 0);
}

async fn a_step_that_another_replica_took_owes_nothing(world: World) {
    populate(&world, 150).await;
    let (look, found) = find(&world).await;
    world.store.owe_leads(&look, &found).await.unwrap();
    let again = world.store.owe_leads(&look, &found).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert_eq!(jobs(&world).await, 100);
    finish(&world).await;
    assert_eq!(jobs(&world).await, 150);
}

async fn a_look_that_was_asked_for_anew_is_not_finished_by_the_old_one(world: World) {
    world.connect().await;
    let (look, found) = find(&world).await;
    assert_eq!(found, []);
    world
        .change_settings(|settings| settings.sync_threshold = 80)
        .await;
    let finished = world.store.finish_look(&look).await;
    assert!(matches!(finished, Err(Error::Conflict { .. })), "{finished:?}");
    assert!(world.store.find_due_look().await.unwrap().is_some());
}

async fn a_job_that_wants_less_than_its_lead_has_is_raised(world: World) {
    world.connect().await;
    let id = world.lead("ana").await.id;
    world.deliver().await;
    // As if a change had been planned before the lead had a job, and stored after.
    lead::Entity::update_many()
        .col_expr(lead::Column::SyncRevision, Expr::value(2_i64))
        .filter(lead::Column::Id.eq(id))
        .exec(&world.raw)
        .await
        .unwrap();
    finish(&world).await;
    let job = world.job(id).await.unwrap();
    assert_eq!((job.wanted_revision, job.state.as_str()), (2, "pending"));
    world.deliver().await;
    assert_eq!(world.job(id).await.unwrap().synced_revision, 2);
}

async fn a_look_that_fails_keeps_no_other_waiting(world: World) {
    populate(&world, 3).await;
    workspace::Entity::update_many()
        .col_expr(
            workspace::Column::Settings,
            Expr::value(serde_json::json!("unreadable")),
        )
        .filter(workspace::Column::Id.eq(world.workspace))
        .exec(&world.raw)
        .await
        .unwrap();
    let (other, caller) = world.tenant(settings()).await;
    let lead = world.lead_as(&caller, "ana").await.id;
    world.connect_workspace(other).await;
    for _ in 0..3 {
        world.core.backfill_some().await.unwrap();
    }
    assert_eq!(world.state(lead).await, "pending");
}

async fn jobs_of_many_leads_follow_a_new_consent_policy(world: World) {
    populate(&world, 1_100).await;
    finish(&world).await;
    assert_eq!(jobs(&world).await, 1_100);
    let dead = async || {
        let dead = sync_job::Entity::find().filter(sync_job::Column::State.eq("dead"));
        dead.count(&world.raw).await.unwrap()
    };
    world
        .change_settings(|settings| settings.consent_policy = ConsentPolicy::Required)
        .await;
    finish(&world).await;
    assert_eq!(dead().await, 1_100);
    world
        .change_settings(|settings| settings.consent_policy = ConsentPolicy::LegitimateInterest)
        .await;
    finish(&world).await;
    assert_eq!(dead().await, 0);
}

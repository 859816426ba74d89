//! What the CRMs are owed when leads are merged and parted.

use leads_svc::domain::sync::Action;
use uuid::Uuid;

use super::merge;
use crate::world::{World, on_both_databases};

on_both_databases!(
    crms_are_owed_the_lead_that_stays_and_again_the_one_that_is_freed,
    a_record_of_an_absorbed_lead_is_archived_and_written_again,
    a_record_that_both_leads_share_stays,
    a_write_that_is_under_way_when_its_lead_is_absorbed_is_removed_after,
    a_merge_that_is_taken_back_before_the_removal_leaves_the_record,
);

async fn crms_are_owed_the_lead_that_stays_and_again_the_one_that_is_freed(world: World) {
    world.connect().await;
    let (ana, bob) = (world.lead("ana").await, world.lead("bob").await);
    merge(&world, ana.id, bob.id).await;
    assert_eq!(world.state(bob.id).await, "done");
    let grant = world.grant().await;
    assert_eq!(grant.lead, ana.id);
    assert_eq!(
        world.report(&grant, crate::world::delivered()).await,
        leads_svc::storage::jobs::report::Receipt::Recorded
    );
    world
        .core
        .unmerge_lead(&world.caller, ana.id, None)
        .await
        .unwrap();
    let mut owed: Vec<Uuid> = world.grants().await.iter().map(|grant| grant.lead).collect();
    owed.sort_unstable();
    assert_eq!(owed, [ana.id, bob.id]);
}

/// Two leads that are in the CRM, each as its record.
async fn in_the_crm(world: &World, records: [&str; 2]) -> [Uuid; 2] {
    let leads = [world.lead("ana").await.id, world.lead("bob").await.id];
    for grant in world.grants().await {
        let place = leads.iter().position(|lead| *lead == grant.lead).unwrap();
        world
            .report(&grant, crate::world::delivered_as(records[place]))
            .await;
    }
    leads
}

async fn a_record_of_an_absorbed_lead_is_archived_and_written_again(world: World) {
    world.connect().await;
    let [ana, bob] = in_the_crm(&world, ["1001", "1002"]).await;
    merge(&world, ana, bob).await;
    for grant in world.grants().await {
        let outcome = if grant.lead == bob {
            assert_eq!((grant.action, grant.record.is_none()), (Action::Remove, true));
            assert_eq!(
                (&grant.record_ids, &grant.lead_ids),
                (&vec!["1002".to_owned()], &vec![bob])
            );
            crate::world::gone(1)
        } else {
            assert_eq!(grant.action, Action::Upsert);
            crate::world::delivered_as("1001")
        };
        world.report(&grant, outcome).await;
    }
    assert_eq!(world.state(bob).await, "done");
    assert!(world.publish().await.is_empty());
    world.core.unmerge_lead(&world.caller, ana, None).await.unwrap();
    for grant in world.grants().await {
        assert_eq!(grant.action, Action::Upsert);
        let record = if grant.lead == bob { "2002" } else { "1001" };
        world.report(&grant, crate::world::delivered_as(record)).await;
    }
    let job = world.job(bob).await.unwrap();
    assert_eq!(
        (job.external_id.as_str(), job.former_ids.as_str()),
        ("2002", "1002")
    );
    assert_eq!(world.view(bob).await.links[0].external_id, "2002");
}

async fn a_record_that_both_leads_share_stays(world: World) {
    world.connect().await;
    let [ana, bob] = in_the_crm(&world, ["1001", "1001"]).await;
    merge(&world, ana, bob).await;
    let grants = world.grants().await;
    let removal = grants.iter().find(|grant| grant.lead == bob).unwrap();
    assert_eq!((removal.action, removal.record_ids.len()), (Action::Remove, 0));
}

async fn a_write_that_is_under_way_when_its_lead_is_absorbed_is_removed_after(world: World) {
    world.connect().await;
    let (ana, bob) = (world.lead("ana").await.id, world.lead("bob").await.id);
    let writes = world.grants().await;
    merge(&world, ana, bob).await;
    assert!(world.publish().await.is_empty());
    for write in &writes {
        let record = if write.lead == bob { "1002" } else { "1001" };
        assert_eq!(
            world.report(write, crate::world::delivered_as(record)).await,
            leads_svc::storage::jobs::report::Receipt::Recorded
        );
    }
    let grants = world.grants().await;
    let removal = grants.iter().find(|grant| grant.lead == bob).unwrap();
    assert_eq!(
        (removal.action, &removal.record_ids),
        (Action::Remove, &vec!["1002".to_owned()])
    );
}

async fn a_merge_that_is_taken_back_before_the_removal_leaves_the_record(world: World) {
    world.connect().await;
    let [ana, bob] = in_the_crm(&world, ["1001", "1002"]).await;
    merge(&world, ana, bob).await;
    world.core.unmerge_lead(&world.caller, ana, None).await.unwrap();
    for grant in world.grants().await {
        assert_eq!(grant.action, Action::Upsert);
        let record = if grant.lead == bob { "1002" } else { "1001" };
        assert_eq!(grant.external_id, record);
        world.report(&grant, crate::world::delivered_as(record)).await;
    }
    // Under way already: what was archived is written anew.
    merge(&world, ana, bob).await;
    let grants = world.grants().await;
    let removal = grants.iter().find(|grant| grant.lead == bob).unwrap();
    world.core.unmerge_lead(&world.caller, ana, None).await.unwrap();
    world.report(removal, crate::world::gone(1)).await;
    let again = world.grant().await;
    assert_eq!(
        (again.lead, again.action, again.external_id.as_str()),
        (bob, Action::Upsert, "")
    );
}

//! People are found by the settings that hold, whenever they were captured.

use std::collections::BTreeMap;

use leads_proto::reason::Reason;
use leads_svc::{
    domain::identity::Kind,
    service::plan::Collected,
    storage::entity::{identity, renewal},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::renew_all;
use crate::world::{World, lead, on_both_databases, warm};

on_both_databases!(
    who_was_captured_before_is_found_by_another_form_of_the_address,
    of_two_who_turn_out_to_share_a_mailbox_the_other_is_listed_as_a_duplicate,
    two_who_share_a_mailbox_and_were_merged_can_be_erased,
    settings_that_find_nobody_otherwise_begin_no_walk,
    a_walk_that_was_broken_off_goes_on_where_it_was,
);

async fn collect(world: &World, address: &str) -> Collected {
    let mut request = warm("x");
    let contact = request.contact.as_mut().unwrap();
    address.clone_into(&mut contact.email);
    contact.phone.clear();
    contact.name = format!("Person {address}");
    world.collect(request).await
}

async fn merge_variants(world: &World, merges: bool) {
    world
        .change_settings(|settings| settings.merge_address_variants = merges)
        .await;
}

async fn kinds(world: &World, contact: Uuid) -> Vec<(String, Option<i32>)> {
    let found = identity::Entity::find().filter(identity::Column::ContactId.eq(contact));
    let mut kinds: Vec<_> = found
        .all(&world.raw)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.kind, row.place))
        .collect();
    kinds.sort();
    kinds
}

async fn who_was_captured_before_is_found_by_another_form_of_the_address(world: World) {
    merge_variants(&world, false).await;
    renew_all(&world).await;
    let ana = lead(collect(&world, "a.na+ads@gmail.com").await);
    let apart = kinds(&world, ana.contact_id).await;
    merge_variants(&world, true).await;
    renew_all(&world).await;
    world.core.forget(world.workspace).await;
    let Collected::Merged(view) = collect(&world, "ana@gmail.com").await else {
        panic!("not found")
    };
    assert_eq!(view.lead.id, ana.id);

    let ben = lead(collect(&world, "b.en@gmail.com").await);
    merge_variants(&world, false).await;
    renew_all(&world).await;
    world.core.forget(world.workspace).await;
    let Collected::Created(view) = collect(&world, "ben@gmail.com").await else {
        panic!("not a person of its own")
    };
    assert_ne!(view.lead.id, ben.id);
    let mailbox = Kind::Mailbox.word();
    assert!(apart.iter().all(|(kind, _)| kind != mailbox));
    assert!(
        kinds(&world, ben.contact_id)
            .await
            .iter()
            .all(|(kind, _)| kind != mailbox)
    );
}

async fn of_two_who_turn_out_to_share_a_mailbox_the_other_is_listed_as_a_duplicate(world: World) {
    merge_variants(&world, false).await;
    renew_all(&world).await;
    let first = lead(collect(&world, "a.na@gmail.com").await);
    let second = lead(collect(&world, "ana@gmail.com").await);
    merge_variants(&world, true).await;
    renew_all(&world).await;
    world.core.forget(world.workspace).await;
    let of = |place| (Kind::Mailbox.word().to_owned(), place);
    assert!(kinds(&world, first.contact_id).await.contains(&of(Some(0))));
    assert!(kinds(&world, second.contact_id).await.contains(&of(None)));
    for (lead, other) in [(&first, &second), (&second, &first)] {
        let duplicates = world.core.list_duplicates(&world.caller, lead.id).await.unwrap();
        let found: Vec<Uuid> = duplicates.iter().map(|found| found.lead.lead.id).collect();
        assert_eq!(found, [other.id]);
    }
}

async fn two_who_share_a_mailbox_and_were_merged_can_be_erased(world: World) {
    merge_variants(&world, false).await;
    renew_all(&world).await;
    let first = lead(collect(&world, "a.na@gmail.com").await);
    let second = lead(collect(&world, "ana@gmail.com").await);
    merge_variants(&world, true).await;
    renew_all(&world).await;
    world.core.forget(world.workspace).await;
    world
        .core
        .merge_leads(&world.caller, first.id, second.id, &BTreeMap::new(), false)
        .await
        .unwrap();
    world.core.delete_lead(&world.caller, first.id).await.unwrap();
    for address in ["a.na@gmail.com", "ana@gmail.com"] {
        let mut request = warm("x");
        address.clone_into(&mut request.contact.as_mut().unwrap().email);
        let back = world.core.collect(&world.caller, world.read(request), None).await;
        assert_eq!(back.unwrap_err().reason, Reason::ErasedSubject);
    }
}

async fn settings_that_find_nobody_otherwise_begin_no_walk(world: World) {
    world
        .change_settings(|settings| settings.hot_threshold = 77)
        .await;
    assert!(renewal::Entity::find().all(&world.raw).await.unwrap().is_empty());
}

async fn a_walk_that_was_broken_off_goes_on_where_it_was(world: World) {
    merge_variants(&world, false).await;
    renew_all(&world).await;
    let mut leads = Vec::new();
    for person in 0..120 {
        leads.push(lead(collect(&world, &format!("p.{person}@gmail.com")).await));
    }
    merge_variants(&world, true).await;
    world.pass(std::time::Duration::from_secs(150));
    assert_eq!(world.core.renew_some().await.unwrap(), 50);
    let walk = renewal::Entity::find().one(&world.raw).await.unwrap().unwrap();
    assert_eq!(walk.contacts, 50);
    // The process ends; another one goes on.
    let (other, _) = world.replica().await;
    assert_eq!(other.renew_some().await.unwrap(), 50);
    renew_all(&world).await;
    for lead in leads {
        let place = (Kind::Mailbox.word().to_owned(), Some(0));
        assert!(kinds(&world, lead.contact_id).await.contains(&place));
    }
}

//! Writes that share a transaction.

use std::time::Duration;

use futures::future::join_all;
use leads_svc::{
    domain::lead::Stage,
    service::{capture::Answered, plan::Collected},
    storage::{
        Error,
        capture::{LeadWrite, Write},
        entity::{contact, lead as lead_table, message},
        transaction::Prior,
    },
};
use leads_testkit::wait::until;
use rand::{SeedableRng, rngs::StdRng};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{
    population::{address, somebody, store},
    world::{World, on_both_databases, warm},
};

on_both_databases!(
    a_group_with_a_conflicting_member_stores_nothing,
    captures_beside_a_conflicting_one_are_all_stored,
    a_caller_that_goes_away_leaves_a_whole_capture_or_none,
);

async fn a_group_with_a_conflicting_member_stores_nothing(world: World) {
    let lead = world.lead("ana").await;
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let change = async |stage: Stage, prior: i64| {
        let mut write = Write::empty(world.workspace);
        let mut lead = lead.clone();
        (lead.stage, lead.revision) = (stage, prior + 1);
        let prior = Prior::At(prior);
        write.lead = Some(LeadWrite { lead, prior });
        world.store.seal(&keys, write).await.unwrap()
    };
    let stale = world
        .store
        .write(
            world.workspace,
            vec![
                change(Stage::Contacted, 1).await,
                change(Stage::Qualified, 1).await,
            ],
        )
        .await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    assert_eq!(world.view(lead.id).await.lead, lead);
    world
        .store
        .write(world.workspace, vec![change(Stage::Contacted, 1).await])
        .await
        .unwrap();
    assert_eq!(world.view(lead.id).await.lead.stage, Stage::Contacted);

    let mut random = StdRng::seed_from_u64(1);
    let now = world.store.clock().now();
    let (profile, person) = somebody(&mut random, now);
    store(&world, vec![(profile.clone(), person.clone())]).await;
    let (_, twin) = somebody(&mut random, now);
    let contact = |lead: &leads_svc::domain::lead::Lead| leads_svc::storage::capture::ContactWrite {
        id: lead.contact_id,
        profile: profile.clone(),
        attributes: Default::default(),
        seen: Default::default(),
        messages: 0,
        key: None,
        prior: Prior::Absent,
        at: now,
    };
    let mut write = Write::empty(world.workspace);
    write.contact = Some(contact(&twin));
    write.identities = address(twin.contact_id, &profile);
    let neighbour = change(Stage::Qualified, 2).await;
    let sealed = world.store.seal(&keys, write).await.unwrap();
    let stored = world.store.write(world.workspace, vec![neighbour, sealed]).await;
    assert!(matches!(stored, Err(Error::Conflict { .. })), "{stored:?}");
    assert_eq!(world.view(lead.id).await.lead.stage, Stage::Contacted);
}

async fn captures_beside_a_conflicting_one_are_all_stored(world: World) {
    // Two replicas do not know of each other's turns: the same person at once makes a group of one of them fail.
    let (other, _) = world.replica().await;
    for round in 0..5 {
        let mut captured = Vec::new();
        for core in [&world.core, &other] {
            for person in 0..12 {
                let name = match person {
                    0 => format!("both{round}"),
                    _ => format!("person{round}-{person}-{}", captured.len()),
                };
                let (core, caller, capture) = (core.clone(), world.caller.clone(), world.read(warm(&name)));
                captured.push(tokio::spawn(
                    async move { core.collect(&caller, capture, None).await },
                ));
            }
        }
        let mut merged = 0;
        for collected in join_all(captured).await {
            match collected.unwrap().unwrap() {
                Answered::Now(Collected::Merged(_)) => merged += 1,
                Answered::Now(Collected::Created(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(merged, 1);
    }
    let leads = lead_table::Entity::find().count(&world.raw).await.unwrap();
    let messages = message::Entity::find().count(&world.raw).await.unwrap();
    assert_eq!((leads, messages), (5 * 23, 5 * 24));
}

async fn a_caller_that_goes_away_leaves_a_whole_capture_or_none(world: World) {
    for person in 0..30 {
        let (core, caller) = (world.core.clone(), world.caller.clone());
        let capture = world.read(warm(&format!("person{person}")));
        let call = tokio::spawn(async move { core.collect(&caller, capture, None).await });
        for _ in 0..person {
            tokio::task::yield_now().await;
        }
        call.abort();
        let _ = call.await;
    }
    // Writes that nobody waits for any more may still be on their way.
    let whole = async || {
        let leads = lead_table::Entity::find().count(&world.raw).await?;
        let contacts = contact::Entity::find().count(&world.raw).await?;
        let messages = message::Entity::find().count(&world.raw).await?;
        Ok(((leads, leads) == (contacts, messages)).then_some(()))
    };
    until("every capture to be whole", Duration::from_secs(20), whole)
        .await
        .unwrap();
}

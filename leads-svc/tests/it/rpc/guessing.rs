//! What guessing credentials costs: those who guess, and nobody else.

use std::{net::IpAddr, num::NonZeroU32};

use futures::future::join_all;
use leads_proto::reason::Reason;
use leads_svc::service::{
    auth::{Auth, Rate},
    keys::mint,
    principal::{Bound, Scope},
};
use sea_orm::ConnectionTrait;

use crate::world::{World, on_both_databases};

on_both_databases!(
    an_address_that_guesses_costs_the_database_nothing_more,
    a_key_that_was_used_lately_passes_from_an_address_that_guesses,
    an_id_without_a_key_is_looked_up_once,
);

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

fn auth(world: &World) -> Auth {
    let rate = Rate {
        per_second: NonZeroU32::new(1_000).unwrap(),
        burst: NonZeroU32::new(1_000).unwrap(),
    };
    Auth::new(world.store.clone(), rate)
}

/// A credential that looks like one of ours and is not stored.
fn invented(world: &World) -> String {
    let bound = Bound::Workspace(world.workspace);
    mint(&world.store, &bound, "test", &[Scope::LeadsRead], None).1
}

/// Reasons of so many guesses at once.
async fn guess(world: &World, auth: &Auth, guesses: usize) -> Vec<Reason> {
    let texts: Vec<String> = (0..guesses).map(|_| invented(world)).collect();
    let all = join_all(texts.iter().map(|text| auth.authenticate(text, Some(PEER)))).await;
    all.into_iter().map(|answer| answer.unwrap_err().reason).collect()
}

async fn hide_keys(world: &World) {
    let statement = "ALTER TABLE api_keys RENAME TO hidden";
    world.raw.execute_unprepared(statement).await.unwrap();
}

async fn an_address_that_guesses_costs_the_database_nothing_more(world: World) {
    let auth = auth(&world);
    for _ in 0..8 {
        guess(&world, &auth, 20).await;
    }
    hide_keys(&world).await;
    let reasons = guess(&world, &auth, 100).await;
    let limited = reasons.iter().filter(|reason| **reason == Reason::RateLimited);
    assert!(limited.count() > 80, "{reasons:?}");
}

async fn a_key_that_was_used_lately_passes_from_an_address_that_guesses(world: World) {
    let auth = auth(&world);
    let bound = Bound::Workspace(world.workspace);
    let (key, text) = mint(&world.store, &bound, "test", &[Scope::LeadsRead], None);
    world.store.create_key(key, "test").await.unwrap();
    auth.authenticate(&text, Some(PEER)).await.unwrap();
    for _ in 0..8 {
        guess(&world, &auth, 20).await;
    }
    // Longer than a key is kept.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    for _ in 0..2 {
        guess(&world, &auth, 20).await;
    }
    auth.authenticate(&text, Some(PEER)).await.unwrap();
}

async fn an_id_without_a_key_is_looked_up_once(world: World) {
    let auth = auth(&world);
    let text = invented(&world);
    let reason = async || auth.authenticate(&text, Some(PEER)).await.unwrap_err().reason;
    assert_eq!(reason().await, Reason::Unauthenticated);
    hide_keys(&world).await;
    assert_eq!(reason().await, Reason::Unauthenticated);
}

//! Answers that are kept for repeated requests go with the people whom they show.

use std::time::Duration;

use leads_proto::{leads::v1, reason::Reason};
use leads_svc::{
    service::{
        capture::{Answered, Request},
        plan::Collected,
    },
    storage::entity::idempotency,
};
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::{
    erasures::{erase, merge},
    world::{World, lead, on_both_databases, warm},
};

on_both_databases!(
    stored_answers_go_with_the_person,
    a_request_that_is_repeated_brings_nobody_back,
    answers_of_merged_people_go_with_each_of_them,
);

/// Captures with a request id, whose answer is kept.
async fn collect_once(world: &World, name: &str) -> Uuid {
    match ask(world, name, Uuid::new_v4()).await.unwrap() {
        Answered::Now(collected) => lead(collected).id,
        Answered::Before(_) => panic!("answered before"),
    }
}

pub async fn ask(
    world: &World,
    name: &str,
    id: Uuid,
) -> leads_svc::service::error::Result<Answered<Collected>> {
    let mut request = warm(name);
    request.request_id = id.to_string();
    request.conversation_id = "c".to_owned();
    request.consents.push(v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        ..Default::default()
    });
    let (capture, key) =
        leads_svc::grpc::convert::capture::capture(request, world.store.clock().now()).unwrap();
    let encode = |_: &Collected| b"what was answered".to_vec();
    let keyed = key.map(|key| Request { key, encode: &encode });
    world.core.collect(&world.caller, capture, keyed).await
}

/// Answers that can still be given.
async fn answers(world: &World) -> usize {
    let rows = idempotency::Entity::find().all(&world.raw).await.unwrap();
    rows.iter()
        .filter(|row| !row.response.is_empty() && !row.body_digest.is_empty())
        .count()
}

async fn a_request_that_is_repeated_brings_nobody_back(world: World) {
    let id = Uuid::new_v4();
    assert!(matches!(ask(&world, "ana", id).await, Ok(Answered::Now(_))));
    assert!(matches!(ask(&world, "ana", id).await, Ok(Answered::Before(_))));
    erase(&world, "ana").await;
    world.pass(Duration::from_secs(1));
    // Its consent is of no time of its own, and so would be newer than the erasure.
    let refused = ask(&world, "ana", id).await.err().unwrap();
    assert_eq!(refused.reason, Reason::ErasedSubject);
    assert!(matches!(
        ask(&world, "ana", Uuid::new_v4()).await,
        Ok(Answered::Now(_))
    ));
}

async fn stored_answers_go_with_the_person(world: World) {
    collect_once(&world, "ana").await;
    collect_once(&world, "ana").await;
    collect_once(&world, "bo").await;
    assert_eq!(answers(&world).await, 3);
    erase(&world, "ana").await;
    assert_eq!(answers(&world).await, 1);
}

async fn answers_of_merged_people_go_with_each_of_them(world: World) {
    let ana = collect_once(&world, "ana").await;
    let bo = collect_once(&world, "bo").await;
    merge(&world, ana, bo).await;
    // This answer shows both.
    collect_once(&world, "ana").await;
    collect_once(&world, "cy").await;
    world.core.unmerge_lead(&world.caller, ana, None).await.unwrap();
    erase(&world, "bo").await;
    assert_eq!(answers(&world).await, 1);
}

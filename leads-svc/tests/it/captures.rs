//! Captures: who becomes a lead, what a second one adds, and what a repeated request is answered.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use leads_proto::{
    leads::v1::{Channel as WireChannel, CollectLeadRequest, Consent, Intent},
    reason::Reason,
};
use leads_svc::{
    domain::{
        capture::RequestKey,
        lead::{Channel, Stage},
    },
    grpc::convert,
    service::{
        capture::{Answered, Request},
        core::Core,
        plan::Collected,
    },
    storage::entity::{contact, idempotency, identity, lead as lead_table, message},
};
use prost::Message as _;
use sea_orm::{EntityTrait, PaginatorTrait};
use uuid::Uuid;

use crate::world::{World, cold, hot, lead, on_both_databases, warm};

on_both_databases!(
    a_person_with_email_and_intent_becomes_a_scored_lead,
    the_same_person_in_other_letters_through_another_channel_is_the_same_lead,
    a_newer_capture_replaces_what_it_says_and_keeps_what_it_does_not,
    an_older_intent_does_not_replace_a_newer_one,
    without_an_email_every_capture_is_a_contact_of_its_own,
    a_contact_becomes_a_lead_when_it_shows_intent,
    many_captures_at_once_make_a_contact_a_lead_exactly_once,
    sixty_four_captures_of_one_person_at_once_are_one_lead_with_all_messages,
    captures_of_the_same_people_through_two_replicas_lose_nothing,
    sixty_four_calls_with_one_request_id_are_answered_with_the_same_bytes,
    a_request_id_with_another_body_or_method_is_refused,
    a_request_id_is_forgotten_after_a_day,
    the_same_email_in_two_workspaces_is_two_people,
    consents_are_shown_newest_first_and_at_most_twenty,
);

async fn count<E: EntityTrait>(world: &World) -> u64
where
    <E as EntityTrait>::Model: Sync,
{
    E::find().count(&world.raw).await.unwrap()
}

async fn a_person_with_email_and_intent_becomes_a_scored_lead(world: World) {
    let Collected::Created(view) = world.collect(hot("ana")).await else {
        panic!("not created")
    };
    assert_eq!(
        (view.lead.stage, view.lead.revision, view.lead.sync_revision),
        (Stage::New, 1, 1)
    );
    assert_eq!(view.lead.channels, [Channel::Widget]);
    let score = view.score.as_ref().unwrap();
    assert_eq!(score.total, view.lead.score);
    assert!(score.total >= 80, "{score:?}");
    assert_eq!(
        score
            .dimensions
            .iter()
            .map(|part| u32::from(part.points))
            .sum::<u32>(),
        u32::from(score.total)
    );
    let stored = world.view(view.lead.id).await;
    assert_eq!(stored.lead, view.lead);
    assert_eq!(
        (stored.contact, stored.score),
        (view.contact.clone(), view.score.clone())
    );
    let page = world
        .core
        .list_conversation(&world.caller, view.lead.id, 50, "")
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    for part in &score.dimensions {
        if let Some(quote) = &part.quote {
            let said: String = page.items[0]
                .text
                .chars()
                .skip(quote.start)
                .take(quote.end - quote.start)
                .collect();
            assert_eq!(
                (said, &quote.message_id),
                (quote.text.clone(), &page.items[0].external_id)
            );
        }
    }
    assert_eq!(world.timeline(view.lead.id).await, ["captured", "scored"]);
}

async fn the_same_person_in_other_letters_through_another_channel_is_the_same_lead(world: World) {
    let first = lead(world.collect(cold("ana")).await);
    let mut again = hot("ana");
    again.contact.as_mut().unwrap().email = "ANA@Leads.Example".to_owned();
    again.channel = WireChannel::Whatsapp.into();
    let Collected::Merged(view) = world.collect(again).await else {
        panic!("not merged")
    };
    assert_eq!(view.lead.id, first.id);
    assert_eq!(view.lead.channel, Channel::Widget);
    assert_eq!(view.lead.channels, [Channel::Widget, Channel::Whatsapp]);
    assert_eq!(view.lead.intent.signal, "requested_demo");
    assert!(view.lead.score > first.score);
    assert_eq!(
        (
            count::<lead_table::Entity>(&world).await,
            count::<message::Entity>(&world).await
        ),
        (1, 2)
    );
    let scores = world
        .core
        .list_scores(&world.caller, first.id, 50, "")
        .await
        .unwrap()
        .items;
    let totals: Vec<u8> = scores.iter().map(|score| score.total).collect();
    assert_eq!(totals, [view.lead.score, first.score]);
    assert_eq!(
        world.timeline(first.id).await,
        ["captured", "scored", "merged", "scored"]
    );
}

async fn a_newer_capture_replaces_what_it_says_and_keeps_what_it_does_not(world: World) {
    world.collect(warm("ana")).await;
    let mut again = warm("ana");
    let contact = again.contact.as_mut().unwrap();
    contact.name = "Ana María Ruiz".to_owned();
    contact.phone.clear();
    contact
        .attributes
        .insert("utm_source".to_owned(), "mail".to_owned());
    let Collected::Merged(view) = world.collect(again).await else {
        panic!("not merged")
    };
    let profile = &view.contact.profile;
    assert_eq!(profile.name.as_deref(), Some("Ana María Ruiz"));
    assert_eq!(profile.phone.as_deref(), Some("+34600000000"));
    assert_eq!(view.contact.attributes["utm_source"], "mail");
}

async fn an_older_intent_does_not_replace_a_newer_one(world: World) {
    world.collect(warm("ana")).await;
    let mut old = cold("ana");
    old.intent.as_mut().unwrap().at = Some(prost_types::Timestamp {
        seconds: 1_000_000,
        nanos: 0,
    });
    assert_eq!(lead(world.collect(old).await).intent.signal, "asked_pricing");
}

fn without_email(name: &str) -> CollectLeadRequest {
    let mut request = warm(name);
    request.contact.as_mut().unwrap().email.clear();
    request
}

fn without_intent(name: &str) -> CollectLeadRequest {
    CollectLeadRequest {
        intent: None,
        ..warm(name)
    }
}

async fn without_an_email_every_capture_is_a_contact_of_its_own(world: World) {
    for _ in 0..2 {
        let collected = world.collect(without_email("ana")).await;
        assert!(matches!(collected, Collected::Contact(_)), "{collected:?}");
    }
    assert_eq!(
        (
            count::<contact::Entity>(&world).await,
            count::<lead_table::Entity>(&world).await
        ),
        (2, 0)
    );
}

async fn a_contact_becomes_a_lead_when_it_shows_intent(world: World) {
    for _ in 0..2 {
        let collected = world.collect(without_intent("ana")).await;
        assert!(matches!(collected, Collected::Contact(_)), "{collected:?}");
    }
    let Collected::Created(view) = world.collect(hot("ana")).await else {
        panic!("not created")
    };
    assert_eq!(count::<contact::Entity>(&world).await, 1);
    let page = world
        .core
        .list_conversation(&world.caller, view.lead.id, 50, "")
        .await
        .unwrap();
    assert_eq!(page.items.len(), 3);
    assert!(matches!(
        world.collect(without_intent("ana")).await,
        Collected::Merged(_)
    ));
}

async fn many_captures_at_once_make_a_contact_a_lead_exactly_once(world: World) {
    world.collect(without_intent("ana")).await;
    let collected = join_all((0..16).map(|_| world.collect(warm("ana")))).await;
    let created = collected
        .iter()
        .filter(|one| matches!(one, Collected::Created(_)))
        .count();
    assert_eq!((created, count::<lead_table::Entity>(&world).await), (1, 1));
}

async fn sixty_four_captures_of_one_person_at_once_are_one_lead_with_all_messages(world: World) {
    let collected = join_all((0..64).map(|_| world.collect(warm("ana")))).await;
    let created = collected
        .iter()
        .filter(|one| matches!(one, Collected::Created(_)))
        .count();
    assert_eq!(created, 1);
    assert_eq!(count::<lead_table::Entity>(&world).await, 1);
    let id = lead(collected.into_iter().next().unwrap()).id;
    let page = world
        .core
        .list_conversation(&world.caller, id, 200, "")
        .await
        .unwrap();
    assert_eq!(page.items.len(), 64);
    assert!(
        page.items
            .iter()
            .enumerate()
            .all(|(place, message)| message.position == place as i64)
    );
    assert_eq!(world.view(id).await.lead.revision, 64);
}

async fn captures_of_the_same_people_through_two_replicas_lose_nothing(world: World) {
    let (other, _) = world.replica().await;
    let mut captured = Vec::new();
    for round in 0..6 {
        for person in 0..8 {
            let core = if round % 2 == 0 {
                world.core.clone()
            } else {
                other.clone()
            };
            let (caller, capture) = (world.caller.clone(), world.read(warm(&format!("person{person}"))));
            captured.push(tokio::spawn(
                async move { core.collect(&caller, capture, None).await },
            ));
        }
    }
    let mut created = 0;
    for collected in join_all(captured).await {
        match collected.unwrap().unwrap() {
            Answered::Now(Collected::Created(_)) => created += 1,
            Answered::Now(Collected::Merged(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(created, 8);
    assert_eq!(
        (
            count::<lead_table::Entity>(&world).await,
            count::<message::Entity>(&world).await
        ),
        (8, 48)
    );
}

fn answer(collected: &Collected) -> Vec<u8> {
    match collected {
        Collected::Created(view) | Collected::Merged(view) => {
            convert::lead::lead((**view).clone()).encode_to_vec()
        }
        Collected::Contact(_) => convert::lead::contact(collected.clone().into()).encode_to_vec(),
    }
}

async fn collect_once(core: &Core, world: &World, request: CollectLeadRequest) -> Result<Vec<u8>, Reason> {
    let now = world.store.clock().now();
    let (capture, key) = convert::capture::capture(request, now).unwrap();
    let key: RequestKey = key.expect("a request id");
    let keyed = Request { key, encode: &answer };
    match core.collect(&world.caller, capture, Some(keyed)).await {
        Ok(Answered::Now(collected)) => Ok(answer(&collected)),
        Ok(Answered::Before(bytes)) => Ok(bytes),
        Err(error) => Err(error.reason),
    }
}

async fn sixty_four_calls_with_one_request_id_are_answered_with_the_same_bytes(world: World) {
    let (other, _) = world.replica().await;
    let request = CollectLeadRequest {
        request_id: Uuid::new_v4().to_string(),
        ..warm("ana")
    };
    let answers = join_all((0..64).map(|call| {
        let core = if call % 2 == 0 { &world.core } else { &other };
        collect_once(core, &world, request.clone())
    }))
    .await;
    assert!(answers[0].as_ref().is_ok_and(|bytes| !bytes.is_empty()));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        (
            count::<lead_table::Entity>(&world).await,
            count::<message::Entity>(&world).await
        ),
        (1, 1)
    );
    assert_eq!(count::<idempotency::Entity>(&world).await, 1);
}

async fn a_request_id_with_another_body_or_method_is_refused(world: World) {
    let request = CollectLeadRequest {
        request_id: Uuid::new_v4().to_string(),
        ..warm("ana")
    };
    let first = collect_once(&world.core, &world, request.clone()).await.unwrap();
    let mut other = request.clone();
    other.contact.as_mut().unwrap().name = "Bo".to_owned();
    assert_eq!(
        collect_once(&world.core, &world, other).await,
        Err(Reason::RequestIdReused)
    );
    assert_eq!(
        collect_once(&world.core, &world, request.clone()).await,
        Ok(first)
    );

    let lead = world.lead("ana").await.id;
    let key = convert::capture::capture(request, world.store.clock().now())
        .unwrap()
        .1
        .unwrap();
    let messages = world.read(cold("ana")).messages;
    let keyed = Request {
        key,
        encode: &|_: &leads_svc::service::capture::Appended| Vec::new(),
    };
    let refused = world
        .core
        .append(&world.caller, lead, messages, "c", Some(keyed))
        .await;
    assert_eq!(refused.unwrap_err().reason, Reason::RequestIdReused);
}

async fn a_request_id_is_forgotten_after_a_day(world: World) {
    let request = CollectLeadRequest {
        request_id: Uuid::new_v4().to_string(),
        ..warm("ana")
    };
    let first = collect_once(&world.core, &world, request.clone()).await.unwrap();
    world.pass(Duration::from_secs(23 * 3_600));
    assert_eq!(world.core.forget_old_answers().await.unwrap(), 0);
    assert_eq!(
        collect_once(&world.core, &world, request.clone()).await.unwrap(),
        first
    );
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.core.forget_old_answers().await.unwrap(), 1);
    assert_ne!(collect_once(&world.core, &world, request).await.unwrap(), first);
}

async fn the_same_email_in_two_workspaces_is_two_people(world: World) {
    let (_, caller) = world.tenant(crate::world::settings()).await;
    let ours = world.lead("ana").await;
    let Collected::Created(theirs) = world.collect_as(&caller, warm("ana")).await else {
        panic!("not created")
    };
    assert_ne!(
        (ours.id, ours.contact_id),
        (theirs.lead.id, theirs.lead.contact_id)
    );
    let rows = contact::Entity::find().all(&world.raw).await.unwrap();
    let found = identity::Entity::find().all(&world.raw).await.unwrap();
    let emails: HashSet<&[u8]> = found
        .iter()
        .filter(|row| row.kind == "email")
        .map(|row| row.value_index.as_slice())
        .collect();
    assert_eq!(emails.len(), 2);
    assert_ne!(rows[0].search, rows[1].search);
}

async fn consents_are_shown_newest_first_and_at_most_twenty(world: World) {
    let now = world.store.clock().now().timestamp();
    let consent = |index: i64| Consent {
        purpose: format!("purpose_{index}"),
        given: index % 2 == 0,
        at: Some(prost_types::Timestamp {
            seconds: now - 1_000 + index,
            nanos: 0,
        }),
        ..Consent::default()
    };
    for batch in [0..15, 15..30] {
        let request = CollectLeadRequest {
            consents: batch.map(consent).collect(),
            intent: Some(Intent {
                signal: "asked_pricing".to_owned(),
                ..Intent::default()
            }),
            ..warm("ana")
        };
        let (Collected::Created(view) | Collected::Merged(view)) = world.collect(request).await else {
            panic!("no lead")
        };
        let stored = world.view(view.lead.id).await.consents;
        assert_eq!(view.consents, stored);
        let purposes: Vec<String> = stored.iter().map(|consent| consent.purpose.clone()).collect();
        let newest = if view.lead.revision == 1 { 15 } else { 30 };
        let expected: Vec<String> = (0..newest)
            .rev()
            .take(20)
            .map(|index| format!("purpose_{index}"))
            .collect();
        assert_eq!(purposes, expected);
    }
}

//! What is limited by its size: conversations and pages.

use leads_proto::reason::Reason;
use leads_svc::{
    domain::{
        capture::{MAX_CONVERSATION_BYTES, MAX_CONVERSATION_MESSAGES, MAX_MESSAGES, MAX_TEXT_BYTES, Message},
        conversation::Role,
    },
    service::{capture::Answered, error::Error},
};
use uuid::Uuid;

use crate::{
    population::everything,
    world::{World, on_both_databases, warm},
};

on_both_databases!(
    a_conversation_takes_ten_thousand_messages_and_no_more,
    a_conversation_takes_four_mebibytes_and_no_more,
    a_page_of_a_conversation_is_cut_by_its_size,
    a_page_of_leads_is_cut_by_its_size,
);

const PAGE_BYTES: usize = 2 * 1_024 * 1_024;

fn said(world: &World, text: &str) -> Message {
    Message {
        external_id: None,
        role: Role::Agent,
        text: text.to_owned(),
        at: world.store.clock().now(),
    }
}

async fn append(world: &World, lead: Uuid, count: usize, text: &str) -> Result<usize, Error> {
    let messages = vec![said(world, text); count];
    match world
        .core
        .append(&world.caller, lead, messages, "c", None)
        .await?
    {
        Answered::Now(appended) => Ok(appended.appended),
        Answered::Before(_) => panic!("answered before"),
    }
}

async fn conversation(world: &World, lead: Uuid) -> (usize, usize) {
    let (mut messages, mut bytes, mut token) = (0, 0, String::new());
    loop {
        let page = world
            .core
            .list_conversation(&world.caller, lead, 200, &token)
            .await
            .unwrap();
        messages += page.items.len();
        bytes += page.items.iter().map(|message| message.text.len()).sum::<usize>();
        if page.next.is_empty() {
            return (messages, bytes);
        }
        token = page.next;
    }
}

async fn refused(world: &World, lead: Uuid, count: usize, text: &str) {
    let refusal = append(world, lead, count, text).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::LimitExceeded);
}

async fn a_conversation_takes_ten_thousand_messages_and_no_more(world: World) {
    let lead = world.lead("ana").await.id;
    let (before, _) = conversation(&world, lead).await;
    let mut left = MAX_CONVERSATION_MESSAGES - before;
    while left > 0 {
        let some = left.min(MAX_MESSAGES);
        assert_eq!(append(&world, lead, some, "x").await.unwrap(), some);
        left -= some;
    }
    refused(&world, lead, 1, "x").await;
    let refusal = world
        .core
        .collect(&world.caller, world.read(warm("ana")), None)
        .await;
    assert_eq!(refusal.unwrap_err().reason, Reason::LimitExceeded);
    assert_eq!(conversation(&world, lead).await.0, MAX_CONVERSATION_MESSAGES);
    // It is the person's limit: others are not affected.
    let other = world.lead("bo").await.id;
    assert_eq!(append(&world, other, 1, "x").await.unwrap(), 1);
}

async fn a_conversation_takes_four_mebibytes_and_no_more(world: World) {
    let lead = world.lead("ana").await.id;
    let (_, before) = conversation(&world, lead).await;
    let text = "x".repeat(MAX_TEXT_BYTES);
    let whole = (MAX_CONVERSATION_BYTES - before) / MAX_TEXT_BYTES;
    append(&world, lead, whole, &text).await.unwrap();
    let rest = MAX_CONVERSATION_BYTES - before - whole * MAX_TEXT_BYTES;
    refused(&world, lead, 1, &"x".repeat(rest + 1)).await;
    append(&world, lead, 1, &"x".repeat(rest)).await.unwrap();
    refused(&world, lead, 1, "x").await;
    assert_eq!(conversation(&world, lead).await.1, MAX_CONVERSATION_BYTES);
}

async fn a_page_of_a_conversation_is_cut_by_its_size(world: World) {
    let lead = world.lead("ana").await.id;
    let (first, first_bytes) = conversation(&world, lead).await;
    append(&world, lead, 100, &"x".repeat(MAX_TEXT_BYTES))
        .await
        .unwrap();
    let (mut places, mut sizes, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = world
            .core
            .list_conversation(&world.caller, lead, 200, &token)
            .await
            .unwrap();
        let bytes: usize = page.items.iter().map(|message| message.text.len()).sum();
        assert!(bytes <= PAGE_BYTES);
        places.extend(page.items.iter().map(|message| message.position));
        sizes.push(page.items.len());
        if page.next.is_empty() {
            break;
        }
        token = page.next;
    }
    let fitting = first + (PAGE_BYTES - first_bytes) / MAX_TEXT_BYTES;
    assert_eq!(sizes, [fitting, 100 + first - fitting]);
    assert_eq!(places, (0..(100 + first) as i64).collect::<Vec<_>>());
}

async fn a_page_of_leads_is_cut_by_its_size(world: World) {
    const PEOPLE: usize = 60;
    for person in 0..PEOPLE {
        let mut request = warm(&format!("person{person}"));
        let contact = request.contact.as_mut().unwrap();
        contact.attributes = (0..50)
            .map(|key| (format!("key{key}"), "v".repeat(1_000)))
            .collect();
        world.collect(request).await;
    }
    let (mut met, mut sizes, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = world
            .core
            .list_leads(&world.caller, &everything(), 200, &token)
            .await
            .unwrap();
        sizes.push(page.items.len());
        met.extend(page.items.into_iter().map(|view| view.lead.id));
        if page.next.is_empty() {
            break;
        }
        token = page.next;
    }
    assert_eq!(sizes.len(), 2);
    assert!((30..=PAGE_BYTES / 50_000).contains(&sizes[0]), "{sizes:?}");
    met.sort();
    met.dedup();
    assert_eq!(met.len(), PEOPLE);
}

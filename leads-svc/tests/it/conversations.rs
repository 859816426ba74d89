//! Messages that are added to a lead.

use futures::future::join_all;
use leads_proto::reason::Reason;
use leads_svc::{
    domain::{capture::Message, conversation::Role},
    service::{
        capture::{Answered, Appended},
        leads::LeadChange,
    },
};
use uuid::Uuid;

use crate::world::{World, cold, lead, on_both_databases};

on_both_databases!(
    messages_are_added_in_order_and_score_the_lead_again,
    a_message_id_counts_once_within_its_conversation,
    known_messages_change_nothing_at_all,
    messages_without_an_id_are_always_new,
    thirty_two_additions_at_once_all_arrive,
    the_same_message_at_once_arrives_once,
    a_transcript_is_paged_oldest_first,
    a_lead_that_is_not_there_takes_no_messages,
);

fn said(world: &World, id: &str, text: &str) -> Message {
    Message {
        external_id: (!id.is_empty()).then(|| id.to_owned()),
        role: Role::Visitor,
        text: text.to_owned(),
        at: world.store.clock().now(),
    }
}

async fn append(world: &World, lead: Uuid, conversation: &str, messages: Vec<Message>) -> Appended {
    match world
        .core
        .append(&world.caller, lead, messages, conversation, None)
        .await
        .unwrap()
    {
        Answered::Now(appended) => appended,
        Answered::Before(_) => panic!("answered before"),
    }
}

async fn texts(world: &World, lead: Uuid) -> Vec<String> {
    let page = world
        .core
        .list_conversation(&world.caller, lead, 200, "")
        .await
        .unwrap();
    page.items.into_iter().map(|message| message.text).collect()
}

async fn messages_are_added_in_order_and_score_the_lead_again(world: World) {
    let before = lead(world.collect(cold("ana")).await);
    let words = "Our budget is 60,000 EUR a year, I sign the contract myself, we need it within two weeks.";
    let appended = append(
        &world,
        before.id,
        "c",
        vec![said(&world, "1", "Hello"), said(&world, "2", words)],
    )
    .await;
    assert_eq!((appended.appended, appended.skipped), (2, 0));
    assert!(appended.lead.lead.score > before.score);
    assert_eq!(
        texts(&world, before.id).await,
        ["Just looking around, thanks.", "Hello", words]
    );
    assert_eq!(world.view(before.id).await.lead, appended.lead.lead);
    let kinds = ["captured", "scored", "conversation_appended", "scored"];
    assert_eq!(world.timeline(before.id).await, kinds);
    let scores = world
        .core
        .list_scores(&world.caller, before.id, 50, "")
        .await
        .unwrap()
        .items;
    assert_eq!(scores.len(), 2);
}

async fn a_message_id_counts_once_within_its_conversation(world: World) {
    let lead = world.lead("ana").await.id;
    append(&world, lead, "c", vec![said(&world, "1", "one")]).await;
    let again = append(
        &world,
        lead,
        "c",
        vec![said(&world, "1", "changed"), said(&world, "2", "two")],
    )
    .await;
    assert_eq!((again.appended, again.skipped), (1, 1));
    let other = append(&world, lead, "d", vec![said(&world, "1", "elsewhere")]).await;
    assert_eq!((other.appended, other.skipped), (1, 0));
    assert_eq!(texts(&world, lead).await[1..], ["one", "two", "elsewhere"]);
}

async fn known_messages_change_nothing_at_all(world: World) {
    let lead = world.lead("ana").await.id;
    append(&world, lead, "c", vec![said(&world, "1", "one")]).await;
    let (before, timeline) = (world.view(lead).await, world.timeline(lead).await);
    let again = append(&world, lead, "c", vec![said(&world, "1", "one")]).await;
    assert_eq!((again.appended, again.skipped), (0, 1));
    assert_eq!(again.lead.lead, before.lead);
    assert_eq!(world.view(lead).await.lead, before.lead);
    assert_eq!(world.timeline(lead).await, timeline);
    // The version that the answer shows is the one to change.
    let change = LeadChange {
        owner: Some("sam".to_owned()),
        etag: Some(again.lead.lead.etag()),
        ..LeadChange::default()
    };
    world.core.update_lead(&world.caller, lead, change).await.unwrap();
}

async fn messages_without_an_id_are_always_new(world: World) {
    let lead = world.lead("ana").await.id;
    for _ in 0..2 {
        append(&world, lead, "c", vec![said(&world, "", "hello")]).await;
    }
    let page = world
        .core
        .list_conversation(&world.caller, lead, 50, "")
        .await
        .unwrap();
    let ids: Vec<&str> = page.items[1..]
        .iter()
        .map(|message| message.external_id.as_str())
        .collect();
    assert!(
        ids[0] != ids[1] && ids.iter().all(|id| id.starts_with("msg_")),
        "{ids:?}"
    );
}

async fn thirty_two_additions_at_once_all_arrive(world: World) {
    let lead = world.lead("ana").await.id;
    let added = join_all((0..32).map(|index| {
        let message = said(&world, &format!("m{index}"), &format!("text {index}"));
        append(&world, lead, "c", vec![message])
    }))
    .await;
    assert!(added.iter().all(|appended| appended.appended == 1));
    let mut arrived = texts(&world, lead).await.split_off(1);
    let mut sent: Vec<String> = (0..32).map(|index| format!("text {index}")).collect();
    arrived.sort();
    sent.sort();
    assert_eq!(arrived, sent);
}

async fn the_same_message_at_once_arrives_once(world: World) {
    let lead = world.lead("ana").await.id;
    let added =
        join_all((0..16).map(|_| append(&world, lead, "c", vec![said(&world, "same", "hello")]))).await;
    assert_eq!(added.iter().map(|appended| appended.appended).sum::<usize>(), 1);
    assert_eq!(texts(&world, lead).await.len(), 2);
}

async fn a_transcript_is_paged_oldest_first(world: World) {
    let lead = world.lead("ana").await.id;
    let messages = (0..25)
        .map(|index| said(&world, "", &format!("text {index}")))
        .collect();
    append(&world, lead, "c", messages).await;
    let (mut token, mut all, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = world
            .core
            .list_conversation(&world.caller, lead, 10, &token)
            .await
            .unwrap();
        all.extend(page.items.into_iter().map(|message| message.position));
        pages += 1;
        if page.next.is_empty() {
            break;
        }
        token = page.next;
    }
    assert_eq!((pages, all), (3, (0..26).collect::<Vec<i64>>()));
}

async fn a_lead_that_is_not_there_takes_no_messages(world: World) {
    let messages = vec![said(&world, "1", "hello")];
    let missing = world
        .core
        .append(&world.caller, Uuid::from_u128(1), messages, "c", None)
        .await;
    assert_eq!(missing.unwrap_err().reason, Reason::NotFound);
}

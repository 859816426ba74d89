//! Merges: what the united lead shows, who is hidden behind it, and that taking merges back leaves no trace.

mod records;

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use leads_proto::{leads::v1::CollectLeadRequest, reason::Reason};
use leads_svc::{
    domain::{
        ids,
        lead::{Channel, Stage},
        merge::{Part, Side},
        page::ContactQuery,
    },
    service::{
        leads::{LeadChange, Merged},
        plan::Collected,
        principal::Principal,
        view::LeadView,
    },
    storage::entity::message,
};
use leads_testkit::wait;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement, TransactionTrait,
    sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    population::everything,
    world::{World, email, lead, on_both_databases, warm},
};

on_both_databases!(
    a_merged_lead_shows_both_and_answers_for_both,
    a_page_of_a_united_conversation_reads_no_messages_of_others,
    a_preview_is_the_result_and_stores_nothing,
    a_repeated_merge_does_nothing_and_an_impossible_one_is_refused,
    merges_of_merges_are_undone_in_order,
    a_merged_lead_is_deleted_with_all_that_it_absorbed,
    merges_and_their_ends_are_in_the_audit_log,
    undone_merges_leave_the_leads_as_if_they_had_never_been,
);

const NO_CHOICES: BTreeMap<Part, Side> = BTreeMap::new();

fn said(name: &str, text: &str) -> CollectLeadRequest {
    let mut request = warm(name);
    request.contact.as_mut().unwrap().name = format!("Person {name}");
    text.clone_into(&mut request.messages[0].text);
    request
}

async fn merge(world: &World, survivor: Uuid, absorbed: Uuid) -> Merged {
    world
        .core
        .merge_leads(&world.caller, survivor, absorbed, &NO_CHOICES, false)
        .await
        .unwrap()
}

async fn texts(world: &World, caller: &Principal, lead: Uuid) -> Vec<String> {
    let page = world.core.list_conversation(caller, lead, 200, "").await.unwrap();
    page.items.into_iter().map(|message| message.text).collect()
}

async fn listed(world: &World) -> Vec<Uuid> {
    let page = world
        .core
        .list_leads(&world.caller, &everything(), 50, "")
        .await
        .unwrap();
    page.items.into_iter().map(|view| view.lead.id).collect()
}

async fn a_merged_lead_shows_both_and_answers_for_both(world: World) {
    let ana = lead(
        world
            .collect(said("ana", "we have a budget of 60k EUR a year"))
            .await,
    );
    let anita = lead(
        world
            .collect(said("anita", "I am the CEO and I sign myself"))
            .await,
    );
    let merged = merge(&world, ana.id, anita.id).await;
    assert_eq!(merged.lead.lead.id, ana.id);
    assert!(merged.lead.lead.score > ana.score.max(anita.score));
    assert_eq!(merged.lead.contact.profile.name.as_deref(), Some("Person anita"));
    assert_eq!(
        merged.lead.contact.profile.emails(),
        [email("ana"), email("anita")]
    );
    assert_eq!(listed(&world).await, [ana.id]);
    let all = ContactQuery {
        words: Vec::new(),
        without_lead: false,
    };
    let contacts = world
        .core
        .list_contacts(&world.caller, &all, 50, "")
        .await
        .unwrap();
    assert_eq!(contacts.items.len(), 1);
    assert_eq!(world.view(anita.id).await.lead, world.view(ana.id).await.lead);
    assert_eq!(texts(&world, &world.caller, anita.id).await.len(), 2);
    let mut again = said("anita", "we need it within two weeks");
    again.channel = leads_proto::leads::v1::Channel::Slack.into();
    let Collected::Merged(view) = world.collect(again).await else {
        panic!("not merged")
    };
    assert_eq!(view.lead.id, ana.id);
    assert_eq!(view.lead.channels, [Channel::Widget, Channel::Slack]);
    assert!(view.lead.score > merged.lead.lead.score);
    let stored = world.view(ana.id).await;
    assert_eq!(
        (stored.lead, stored.contact, stored.score),
        (view.lead, view.contact, view.score)
    );
    let kinds = world.timeline(ana.id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "captured").count(), 2);
    assert!(kinds.contains(&"leads_merged".to_owned()), "{kinds:?}");
}

async fn a_page_of_a_united_conversation_reads_no_messages_of_others(world: World) {
    let (ana, bo) = (world.lead("ana").await, world.lead("bo").await);
    for text in ["one", "two", "three", "four"] {
        world.collect(said("bo", text)).await;
    }
    merge(&world, ana.id, bo.id).await;
    let all = texts(&world, &world.caller, ana.id).await;
    assert_eq!(all.len(), 6);
    let mut token = String::new();
    let mut paged = Vec::new();
    loop {
        let page = world
            .core
            .list_conversation(&world.caller, ana.id, 2, &token)
            .await
            .unwrap();
        paged.extend(page.items.into_iter().map(|message| message.text));
        if page.next.is_empty() {
            break;
        }
        token = page.next;
    }
    assert_eq!(paged, all);

    message::Entity::update_many()
        .col_expr(message::Column::Sealed, Expr::value(vec![1_u8; 60]))
        .filter(message::Column::ContactId.eq(bo.contact_id))
        .filter(message::Column::Position.gte(2))
        .exec(&world.raw)
        .await
        .unwrap();
    let first = world
        .core
        .list_conversation(&world.caller, ana.id, 1, "")
        .await
        .unwrap();
    assert_eq!(first.items[0].text, all[0]);
    world.core.get_lead(&world.caller, ana.id).await.unwrap();
    assert!(
        world
            .core
            .list_conversation(&world.caller, ana.id, 200, "")
            .await
            .is_err()
    );
}

async fn a_preview_is_the_result_and_stores_nothing(world: World) {
    let (ana, bob) = (world.lead("ana").await, world.lead("bob").await);
    let choices = BTreeMap::from([(Part::Email, Side::Absorbed)]);
    let before = (world.view(ana.id).await.lead, world.view(bob.id).await.lead);
    let mut shown = Vec::new();
    for only_checks in [true, false] {
        let merged = world
            .core
            .merge_leads(&world.caller, ana.id, bob.id, &choices, only_checks)
            .await
            .unwrap();
        assert_eq!(merged.merge.is_none(), only_checks);
        if only_checks {
            let after = (world.view(ana.id).await.lead, world.view(bob.id).await.lead);
            assert_eq!(after, before);
        }
        let view = merged.lead;
        shown.push((
            view.contact,
            view.lead.score,
            view.lead.tags,
            view.lead.stage,
            merged.lines,
        ));
    }
    assert_eq!(shown[0], shown[1]);
    assert_eq!(shown[0].0.profile.email, Some(email("bob")));
}

async fn a_repeated_merge_does_nothing_and_an_impossible_one_is_refused(world: World) {
    let (ana, bob) = (world.lead("ana").await, world.lead("bob").await);
    let merged = merge(&world, ana.id, bob.id).await;
    let again = merge(&world, ana.id, bob.id).await;
    assert_eq!((again.merge, again.lead.lead), (None, merged.lead.lead));
    for (survivor, absorbed) in [(bob.id, ana.id), (ana.id, ana.id)] {
        let refused = world
            .core
            .merge_leads(&world.caller, survivor, absorbed, &NO_CHOICES, false)
            .await;
        assert_eq!(refused.unwrap_err().reason, Reason::MergeRefused);
    }
    let eve = world.lead("eve").await;
    let refused = world.core.unmerge_lead(&world.caller, eve.id, None).await;
    assert_eq!(refused.unwrap_err().reason, Reason::MergeRefused);
    let choices = BTreeMap::from([(Part::Owner, Side::Absorbed)]);
    let refused = world
        .core
        .merge_leads(&world.caller, ana.id, eve.id, &choices, false)
        .await;
    assert_eq!(refused.unwrap_err().reason, Reason::InvalidFields);
}

async fn merges_of_merges_are_undone_in_order(world: World) {
    let mut leads = Vec::new();
    for name in ["a", "b", "c", "d"] {
        leads.push(lead(world.collect(said(name, &format!("{name} says so"))).await).id);
    }
    let [a, b, c, d] = leads[..] else { panic!("four") };
    let first = merge(&world, b, c).await.merge.unwrap();
    let second = merge(&world, a, b).await.merge.unwrap();
    let third = merge(&world, a, d).await.merge.unwrap();
    assert_eq!(texts(&world, &world.caller, c).await.len(), 4);
    for (merge, expected) in [(first, third), (second, third)] {
        let refused = world
            .core
            .unmerge_lead(&world.caller, c, Some(merge))
            .await
            .unwrap_err();
        assert_eq!(refused.reason, Reason::MergeRefused);
        let named = leads_svc::domain::ids::format::<leads_svc::domain::ids::Merge>(expected);
        assert_eq!(refused.metadata, [("merge_id", named)]);
    }
    let (stayed, freed) = world.core.unmerge_lead(&world.caller, c, None).await.unwrap();
    assert_eq!((stayed.lead.id, freed.lead.id), (a, d));
    let (stayed, freed) = world
        .core
        .unmerge_lead(&world.caller, a, Some(second))
        .await
        .unwrap();
    assert_eq!((stayed.lead.id, freed.lead.id), (a, b));
    assert_eq!(texts(&world, &world.caller, c).await, ["b says so", "c says so"]);
    world.core.unmerge_lead(&world.caller, b, None).await.unwrap();
    for (lead, name) in [(a, "a"), (b, "b"), (c, "c"), (d, "d")] {
        assert_eq!(
            texts(&world, &world.caller, lead).await,
            [format!("{name} says so")]
        );
        let view = world.view(lead).await;
        assert_eq!(
            (view.lead.id, view.contact.profile.emails()),
            (lead, vec![email(name)])
        );
    }
    assert_eq!(listed(&world).await.len(), 4);
}

async fn a_merged_lead_is_deleted_with_all_that_it_absorbed(world: World) {
    let (ana, bob) = (world.lead("ana").await, world.lead("bob").await);
    merge(&world, ana.id, bob.id).await;
    world.core.delete_lead(&world.caller, bob.id).await.unwrap();
    assert_eq!(listed(&world).await, Vec::<Uuid>::new());
    for id in [ana.id, bob.id] {
        let gone = world.core.get_lead(&world.caller, id).await;
        assert_eq!(gone.unwrap_err().reason, Reason::NotFound);
    }
    let deleted = world
        .core
        .list_audit_entries(&world.caller, "", 50, "")
        .await
        .unwrap()
        .items
        .into_iter()
        .filter(|entry| entry.action == "lead.deleted");
    let mut deleted: Vec<String> = deleted.map(|entry| entry.subject).collect();
    deleted.sort_unstable();
    assert_eq!(deleted, [ana.id, bob.id].map(ids::format::<ids::Lead>));
}

/// The merge holds the contacts and waits for a lead; the deletion has read who the person is and waits for a contact.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_a_merge_overtakes_takes_the_whole_person() {
    let world = World::postgres().await;
    let mut ids = Vec::new();
    for name in ["ana", "bob"] {
        ids.push(
            lead(
                world
                    .collect(said(name, "we have a budget of 60k EUR a year"))
                    .await,
            )
            .id,
        );
    }
    let (stays, goes) = (ids[0], ids[1]);
    let held = world.raw.begin().await.unwrap();
    held.execute_unprepared(&format!("SELECT 1 FROM leads WHERE id = '{goes}' FOR UPDATE"))
        .await
        .unwrap();
    let (core, caller) = (world.core.clone(), world.caller.clone());
    let merging = tokio::spawn(async move {
        let choices = NO_CHOICES;
        core.merge_leads(&caller, stays, goes, &choices, false).await
    });
    until_waiting(&world, 1).await;
    let (core, caller) = (world.core.clone(), world.caller.clone());
    let deleting = tokio::spawn(async move { core.delete_lead(&caller, goes).await });
    until_waiting(&world, 2).await;
    held.commit().await.unwrap();
    merging.await.unwrap().unwrap();
    deleting.await.unwrap().unwrap();
    assert!(world.core.get_lead(&world.caller, stays).await.is_err());
    assert!(listed(&world).await.is_empty());
}

async fn until_waiting(world: &World, transactions: i64) {
    let count = "SELECT count(DISTINCT pid) AS n FROM pg_locks WHERE NOT granted AND pid IN \
                 (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    wait::until(
        "a transaction to wait",
        std::time::Duration::from_secs(2),
        async || {
            let counted = Statement::from_string(DbBackend::Postgres, count);
            let row = world.raw.query_one_raw(counted).await?.context("a row")?;
            let waiting: i64 = row.try_get("", "n")?;
            Ok((waiting >= transactions).then_some(()))
        },
    )
    .await
    .unwrap();
}

async fn merges_and_their_ends_are_in_the_audit_log(world: World) {
    let (ana, bob) = (world.lead("ana").await, world.lead("bob").await);
    merge(&world, ana.id, bob.id).await;
    world
        .core
        .unmerge_lead(&world.caller, ana.id, None)
        .await
        .unwrap();
    let subject = ids::format::<ids::Lead>(ana.id);
    let page = world
        .core
        .list_audit_entries(&world.caller, &subject, 50, "")
        .await;
    let told: Vec<(String, bool)> = page
        .unwrap()
        .items
        .into_iter()
        .map(|entry| {
            let names_bob = entry.details.contains(&ids::format::<ids::Lead>(bob.id));
            (entry.action, names_bob)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("lead.unmerged".to_owned(), true),
            ("lead.merged".to_owned(), true)
        ]
    );
}

/// What must be the same in a world that never merged. Revisions, the times of the last event and the histories tell of
/// the merges.
fn essence(view: LeadView) -> String {
    let (mut lead, mut contact) = (view.lead, view.contact);
    lead.id = Uuid::nil();
    lead.contact_id = Uuid::nil();
    lead.score_id = Uuid::nil();
    (lead.revision, lead.sync_revision) = (0, 0);
    lead.last_activity_at = DateTime::UNIX_EPOCH;
    lead.stage_changed_at = DateTime::UNIX_EPOCH;
    contact.id = Uuid::nil();
    contact.key = Default::default();
    let points: Vec<(String, u8)> = view
        .score
        .into_iter()
        .flat_map(|score| score.dimensions)
        .map(|dimension| (dimension.level, dimension.points))
        .collect();
    let consents: Vec<bool> = view.consents.into_iter().map(|consent| consent.given).collect();
    format!("{lead:?} {contact:?} {points:?} {consents:?}")
}

async fn undone_merges_leave_the_leads_as_if_they_had_never_been(world: World) {
    const LEADS: usize = 4;
    const EVENTS: usize = 14;
    for case in 0..24 {
        let mut random = StdRng::seed_from_u64(case);
        let (_, merging) = world.tenant(crate::world::settings()).await;
        let (_, never) = world.tenant(crate::world::settings()).await;
        let worlds = [&merging, &never];
        let start = world.store.clock().now() - TimeDelta::hours(1);
        let capture = |name: usize, event: usize, random: &mut StdRng| {
            let words = [
                "we have a budget of 60k EUR a year",
                "I am the CEO and I sign myself",
                "we need it within two weeks",
                "hello again",
            ];
            let mut request = said(&format!("person{name}"), words[random.random_range(0..4)]);
            let person = request.contact.as_mut().unwrap();
            person.name = ["Ana Ruiz", "Anita", ""][random.random_range(0..3)].to_owned();
            person.company = ["Acme", "Globex", ""][random.random_range(0..3)].to_owned();
            person.phone = ["+34600123456", "+34600123457", ""][random.random_range(0..3)].to_owned();
            person.attributes = [("page".to_owned(), format!("/{event}"))].into();
            request.channel = random.random_range(1..=9);
            request.messages[0].id = format!("m{event}");
            let at: DateTime<Utc> = start + TimeDelta::minutes(event as i64);
            let at = prost_types::Timestamp {
                seconds: at.timestamp(),
                nanos: 0,
            };
            request.captured_at = Some(at);
            request.messages[0].at = Some(at);
            request
        };
        let mut leads: Vec<[Uuid; 2]> = Vec::new();
        for name in 0..LEADS {
            let request = capture(name, name, &mut random);
            let mut ids = [Uuid::nil(); 2];
            for (place, caller) in worlds.into_iter().enumerate() {
                ids[place] = lead(world.collect_as(caller, request.clone()).await).id;
            }
            leads.push(ids);
        }
        let named = |id: Uuid| leads.iter().position(|ids| ids[0] == id).unwrap();
        for event in LEADS..LEADS + EVENTS {
            let who = random.random_range(0..LEADS);
            match random.random_range(0..10) {
                0..4 => {
                    let request = capture(who, event, &mut random);
                    for caller in worlds {
                        world.collect_as(caller, request.clone()).await;
                    }
                }
                4..7 => {
                    let stages = [Stage::Contacted, Stage::Qualified, Stage::DemoBooked];
                    let change = LeadChange {
                        stage: Some(stages[random.random_range(0..3)]),
                        tags: random.random_bool(0.5).then(|| vec![format!("tag{event}")]),
                        owner: random.random_bool(0.5).then(|| format!("owner{event}")),
                        ..LeadChange::default()
                    };
                    let shown = world
                        .core
                        .update_lead(&merging, leads[who][0], change.clone())
                        .await
                        .unwrap();
                    let other = leads[named(shown.lead.id)][1];
                    world
                        .core
                        .update_lead(&never, other, change.clone())
                        .await
                        .unwrap();
                    assert_eq!(Some(shown.lead.stage), change.stage, "case {case}");
                }
                7..9 => {
                    let other = random.random_range(0..LEADS);
                    let merged = world
                        .core
                        .merge_leads(&merging, leads[who][0], leads[other][0], &NO_CHOICES, false)
                        .await;
                    if let Err(error) = merged {
                        assert_eq!(error.reason, Reason::MergeRefused, "case {case}");
                    }
                }
                _ => {
                    // Refused if it absorbed nobody.
                    let _ = world.core.unmerge_lead(&merging, leads[who][0], None).await;
                }
            }
        }
        for ids in &leads {
            while world.core.unmerge_lead(&merging, ids[0], None).await.is_ok() {}
        }
        for [merged, other] in leads {
            let views = (
                world.core.get_lead(&merging, merged).await.unwrap(),
                world.core.get_lead(&never, other).await.unwrap(),
            );
            assert_eq!(views.0.lead.id, merged);
            assert_eq!(essence(views.0), essence(views.1), "case {case}");
            assert_eq!(
                texts(&world, &merging, merged).await,
                texts(&world, &never, other).await,
                "case {case}"
            );
        }
    }
}

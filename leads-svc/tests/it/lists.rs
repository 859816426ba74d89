//! Lists of leads: orders, conditions, pages.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use leads_proto::reason::Reason;
use leads_svc::{
    domain::{
        contact::Field,
        page::{LeadQuery, Order},
        sync::Status,
    },
    service::{principal::Principal, view::LeadView},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{
    population::{everything, filtered, job, pick, somebody, store, store_jobs},
    world::{World, on_both_databases},
};

on_both_databases!(
    every_order_is_kept_and_ties_are_broken,
    each_sync_status_finds_the_leads_that_show_it,
    walking_the_pages_meets_every_lead_once_while_new_ones_arrive,
    a_page_token_belongs_to_its_query_workspace_and_method,
    a_damaged_page_token_is_refused,
    a_page_token_lasts_a_day,
);

async fn populate(world: &World, people: usize, seed: u64) -> StdRng {
    let mut random = StdRng::seed_from_u64(seed);
    let now = world.store.clock().now();
    store(world, (0..people).map(|_| somebody(&mut random, now)).collect()).await;
    random
}

async fn page(world: &World, query: &LeadQuery, size: u64, token: &str) -> (Vec<LeadView>, String) {
    let page = world
        .core
        .list_leads(&world.caller, query, size, token)
        .await
        .unwrap();
    (page.items, page.next)
}

/// Walks all pages.
async fn all(world: &World, query: &LeadQuery, size: u64) -> Vec<LeadView> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (items, next) = page(world, query, size, &token).await;
        assert!(items.len() as u64 <= size);
        assert!(next.is_empty() || items.len() as u64 == size);
        all.extend(items);
        if next.is_empty() {
            return all;
        }
        token = next;
    }
}

async fn every_order_is_kept_and_ties_are_broken(world: World) {
    populate(&world, 60, 1).await;
    for order in ["captured_at desc", "captured_at", "score desc", "score"] {
        let query = LeadQuery {
            order: Order::parse(order).unwrap(),
            ..everything()
        };
        let keys: Vec<_> = all(&world, &query, 7)
            .await
            .into_iter()
            .map(|view| {
                let by_time = order.starts_with("captured_at").then_some(view.lead.captured_at);
                (
                    by_time,
                    by_time.is_none().then_some(view.lead.score),
                    view.lead.id,
                )
            })
            .collect();
        let mut sorted = keys.clone();
        sorted.sort();
        if order.ends_with("desc") {
            sorted.reverse();
        }
        assert_eq!(keys.len(), 60);
        assert_eq!(keys, sorted, "{order}");
    }
}

/// Compares each status's list with what the leads themselves show; how many leads show each.
async fn compare(world: &World, note: &str) -> BTreeMap<usize, usize> {
    let mut shown: BTreeMap<usize, BTreeSet<Uuid>> = BTreeMap::new();
    for view in all(world, &everything(), 200).await {
        let place = Status::ALL
            .iter()
            .position(|status| *status == view.links[0].status)
            .unwrap();
        shown.entry(place).or_default().insert(view.lead.id);
    }
    for (place, status) in Status::ALL.into_iter().enumerate() {
        let query = filtered(&format!("crm.hubspot.status = {}", status.word()));
        let found: BTreeSet<Uuid> = all(world, &query, 200)
            .await
            .iter()
            .map(|view| view.lead.id)
            .collect();
        assert_eq!(
            found,
            shown.get(&place).cloned().unwrap_or_default(),
            "{status:?} {note}"
        );
    }
    shown
        .into_iter()
        .map(|(place, leads)| (place, leads.len()))
        .collect()
}

async fn each_sync_status_finds_the_leads_that_show_it(world: World) {
    let mut random = populate(&world, 90, 3).await;
    assert_eq!(compare(&world, "unconnected").await, BTreeMap::from([(0, 90)]));
    let connection = world.connect().await;
    let now = world.store.clock().now();
    let mut jobs = Vec::new();
    for view in all(&world, &everything(), 200).await {
        let state = pick(
            &mut random,
            &["", "", "", "pending", "published", "running", "done", "dead"],
        );
        if !state.is_empty() {
            jobs.push(job(world.workspace, connection, view.lead.id, state, now));
        }
    }
    store_jobs(&world, jobs).await;
    let mut seen = BTreeSet::new();
    for _ in 0..12 {
        let threshold = random.random_range(0..=100);
        let required: Vec<Field> = Field::ALL
            .into_iter()
            .filter(|_| random.random_bool(0.3))
            .collect();
        let note = format!("with threshold {threshold}, required {required:?}");
        world
            .change_settings(|settings| {
                settings.sync_threshold = threshold;
                settings.required_fields = required;
            })
            .await;
        seen.extend(compare(&world, &note).await.into_keys());
    }
    assert_eq!(seen, BTreeSet::from([1, 2, 3, 4, 5]));
}

async fn walking_the_pages_meets_every_lead_once_while_new_ones_arrive(world: World) {
    let mut random = populate(&world, 50, 4).await;
    for order in ["captured_at desc", "captured_at", "score desc", "score"] {
        let query = LeadQuery {
            order: Order::parse(order).unwrap(),
            ..everything()
        };
        let before: BTreeSet<Uuid> = all(&world, &query, 200)
            .await
            .iter()
            .map(|view| view.lead.id)
            .collect();
        let (mut met, mut token) = (Vec::new(), String::new());
        loop {
            let (items, next) = page(&world, &query, 6, &token).await;
            met.extend(items.into_iter().map(|view| view.lead.id));
            let now = world.store.clock().now();
            store(&world, vec![somebody(&mut random, now)]).await;
            if next.is_empty() || met.len() > 500 {
                break;
            }
            token = next;
        }
        let distinct: BTreeSet<Uuid> = met.iter().copied().collect();
        assert_eq!(distinct.len(), met.len(), "{order}");
        assert!(before.is_subset(&distinct), "{order}");
    }
}

async fn refused(world: &World, caller: &Principal, query: &LeadQuery, size: u64, token: &str) -> Reason {
    let listed = world.core.list_leads(caller, query, size, token).await;
    listed.map(|page| page.items.len()).unwrap_err().reason
}

async fn a_page_token_belongs_to_its_query_workspace_and_method(world: World) {
    populate(&world, 10, 5).await;
    let (_, token) = page(&world, &everything(), 3, "").await;
    let other_query = filtered("score >= 0");
    let other_order = LeadQuery {
        order: Order::parse("captured_at").unwrap(),
        ..everything()
    };
    let (_, stranger) = world.tenant(crate::world::settings()).await;
    for query in [other_query, other_order] {
        assert_eq!(
            refused(&world, &world.caller, &query, 3, &token).await,
            Reason::PageTokenInvalid
        );
    }
    assert_eq!(
        refused(&world, &world.caller, &everything(), 4, &token).await,
        Reason::PageTokenInvalid
    );
    assert_eq!(
        refused(&world, &stranger, &everything(), 3, &token).await,
        Reason::PageTokenInvalid
    );

    let lead = world.lead("ana").await.id;
    let timeline = world
        .core
        .list_activities(&world.caller, lead, 1, "")
        .await
        .unwrap()
        .next;
    let elsewhere = world.core.list_scores(&world.caller, lead, 1, &timeline).await;
    assert_eq!(elsewhere.unwrap_err().reason, Reason::PageTokenInvalid);
    let other_lead = world.lead("bo").await.id;
    let elsewhere = world
        .core
        .list_activities(&world.caller, other_lead, 1, &timeline)
        .await;
    assert_eq!(elsewhere.unwrap_err().reason, Reason::PageTokenInvalid);
    assert_eq!(page(&world, &everything(), 3, &token).await.0.len(), 3);
}

async fn a_damaged_page_token_is_refused(world: World) {
    populate(&world, 10, 6).await;
    let (_, token) = page(&world, &everything(), 3, "").await;
    let mut damaged = vec![
        "x".to_owned(),
        "!".to_owned(),
        format!("{token}A"),
        token[1..].to_owned(),
    ];
    for place in (0..token.len() - 1).step_by(7) {
        let mut letters: Vec<u8> = token.clone().into_bytes();
        letters[place] = if letters[place] == b'A' { b'B' } else { b'A' };
        damaged.push(String::from_utf8(letters).unwrap());
        damaged.push(token[..place].to_owned());
    }
    for token in damaged.iter().filter(|token| !token.is_empty()) {
        assert_eq!(
            refused(&world, &world.caller, &everything(), 3, token).await,
            Reason::PageTokenInvalid
        );
    }
}

async fn a_page_token_lasts_a_day(world: World) {
    populate(&world, 10, 7).await;
    let (_, token) = page(&world, &everything(), 3, "").await;
    world.pass(Duration::from_secs(24 * 3_600 - 60));
    assert_eq!(page(&world, &everything(), 3, &token).await.0.len(), 3);
    world.pass(Duration::from_secs(61));
    assert_eq!(
        refused(&world, &world.caller, &everything(), 3, &token).await,
        Reason::PageTokenExpired
    );
}

//! Filters mean the same to the database as in memory.

mod random;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use leads_svc::{
    domain::{
        filter::{self, Filter},
        lead::Lead,
        page::{LeadQuery, Order},
        sync::Provider,
    },
    service::view::LeadView,
    storage::leads::Listing,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{
    population::{everything, filtered, job, pick, store_jobs},
    world::{World, on_both_databases},
};
use random::{Draw, TERMS};

on_both_databases!(
    random_filters_find_the_leads_that_they_let_through_in_memory,
    a_missing_value_compares_as_false_and_not_of_it_as_true,
    texts_mean_themselves_whatever_signs_they_hold,
    what_a_crm_held_before_it_was_disconnected_is_not_found,
    tags_are_found_as_they_are_now,
    relative_times_mean_the_same_on_every_page,
    every_order_is_kept_page_by_page,
);

const PEOPLE: usize = 90;
const FILTERS: usize = 1_500;

/// A workspace with a CRM and random people, of whom some were never scored and some have jobs.
async fn populate(world: &World, seed: u64, now: DateTime<Utc>) -> Draw {
    let connection = world.connect().await;
    let mut draw = Draw::new(StdRng::seed_from_u64(seed), now);
    let people: Vec<_> = (0..PEOPLE).map(|_| draw.person()).collect();
    random::store(world, people.clone()).await;
    let mut jobs = Vec::new();
    for person in &people {
        let states = ["", "", "pending", "published", "running", "done", "dead"];
        let state = pick(&mut draw.random, &states);
        if state.is_empty() {
            continue;
        }
        let mut job = job(world.workspace, connection, person.lead.id, state, now);
        if state == "done" || draw.random.random_bool(0.3) {
            job.external_id = pick(&mut draw.random, &random::RECORDS).to_owned();
            job.synced_at = Some(now - TimeDelta::hours(draw.random.random_range(0..6)));
        }
        jobs.push(job);
    }
    store_jobs(world, jobs).await;
    world
        .change_settings(|settings| settings.sync_threshold = 40)
        .await;
    draw
}

async fn shown(world: &World) -> Vec<LeadView> {
    let page = world.core.list_leads(&world.caller, &everything(), 200, "").await;
    let page = page.unwrap();
    assert_eq!(page.next, "");
    page.items
}

/// What the database finds.
async fn found(world: &World, filter: Filter, now: DateTime<Utc>) -> BTreeSet<Uuid> {
    let facts = world.core.facts(world.workspace).await.unwrap();
    let query = LeadQuery {
        filter,
        ..everything()
    };
    let list = Listing {
        workspace: &facts.workspace,
        keys: &facts.keys,
        query: &query,
        connected: &facts.connected(),
        as_of: now,
    };
    let found = world.store.list_leads(&list, None, 1_000).await.unwrap();
    let counted = world.store.count_leads(&list, 1_000).await.unwrap();
    assert_eq!(counted, found.len() as u64);
    found.into_iter().map(|record| record.lead.id).collect()
}

/// What is found in memory.
fn expected(views: &[LeadView], filter: &Filter, now: DateTime<Utc>) -> BTreeSet<Uuid> {
    views
        .iter()
        .filter(|view| filter.matches(&view.subject(), now))
        .map(|view| view.lead.id)
        .collect()
}

async fn random_filters_find_the_leads_that_they_let_through_in_memory(world: World) {
    let now = world.store.clock().now().trunc_subsecs(6);
    let mut draw = populate(&world, 11, now).await;
    let views = shown(&world).await;
    assert_eq!(views.len(), PEOPLE);
    let (mut telling, mut asked) = (0, 0);
    let mut by_term: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for number in 0..FILTERS {
        // First each sort of term alone, many times, then all in all combinations.
        let (sort, text) = match TERMS.get(number / 20) {
            Some(sort) => (Some(*sort), draw.term(sort)),
            None => (None, draw.filter(3)),
        };
        let filter = filter::parse(&text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let expected = expected(&views, &filter, now);
        assert_eq!(found(&world, filter, now).await, expected, "{text}");
        asked += 1;
        telling += usize::from(!expected.is_empty() && expected.len() < PEOPLE);
        if let Some(sort) = sort {
            let seen = by_term.entry(sort).or_default();
            seen.0 |= !expected.is_empty();
            seen.1 |= expected.len() < PEOPLE;
        }
    }
    assert!(telling * 3 > asked, "{telling} of {asked}");
    let blind: Vec<_> = by_term
        .iter()
        .filter(|(_, seen)| **seen != (true, true))
        .collect();
    assert!(blind.is_empty(), "never found or never missed anybody: {blind:?}");
}

async fn names(world: &World, text: &str) -> Vec<String> {
    let page = world
        .core
        .list_leads(&world.caller, &filtered(text), 200, "")
        .await;
    let names = page.unwrap().items.into_iter().map(|view| {
        let email = view.contact.profile.email.unwrap();
        email.split('@').next().unwrap().to_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// Ana with a value for everything, bo with nothing that can be missing.
async fn ana_and_bo(world: &World) {
    let now = world.store.clock().now().trunc_subsecs(6);
    let mut draw = Draw::new(StdRng::seed_from_u64(5), now);
    let people = ["ana", "bo"].map(|name| {
        let mut person = draw.bare();
        person.profile.email = Some(format!("{name}@acme.example"));
        if name == "ana" {
            draw.fill(&mut person);
        }
        person
    });
    random::store(world, people.to_vec()).await;
}

async fn a_missing_value_compares_as_false_and_not_of_it_as_true(world: World) {
    ana_and_bo(&world).await;
    for field in [
        "owner",
        "outcome",
        "name",
        "company",
        "title",
        "phone",
        "attributes.plan",
        "score.budget",
        "score.framework",
        "score.scored_at",
    ] {
        let value = match field {
            "outcome" => "lost",
            "phone" => "+34600000009",
            "score.budget" => "7",
            "score.scored_at" => "2001-01-01",
            _ => "nothing",
        };
        for (text, who) in [
            (format!("{field} = {value}"), &[][..]),
            (format!("{field} != {value}"), &["ana"]),
            (format!("NOT {field} = {value}"), &["ana", "bo"]),
            (format!("NOT {field} != {value}"), &["bo"]),
            (format!("{field}:*"), &["ana"]),
            (format!("-{field}:*"), &["bo"]),
            (format!("NOT ({field} = {value} OR {field} != {value})"), &["bo"]),
        ] {
            assert_eq!(names(&world, &text).await, who, "{text}");
        }
    }
    assert_eq!(names(&world, "tags:* AND attributes:plan").await, ["ana"]);
    assert_eq!(names(&world, "NOT tags:*").await, ["bo"]);
}

async fn texts_mean_themselves_whatever_signs_they_hold(world: World) {
    let now = world.store.clock().now().trunc_subsecs(6);
    let mut draw = Draw::new(StdRng::seed_from_u64(6), now);
    let odd = [
        "%",
        "_",
        "a'b",
        "\"; DROP TABLE leads; --",
        "a\\b",
        "$1 ? :x",
        "*",
        "Ünï 北京",
        "A",
        "a",
    ];
    let people = odd.map(|odd| {
        let mut person = draw.bare();
        person.lead.owner = odd.to_owned();
        person.lead.tags = vec![odd.to_owned()];
        person.attributes = BTreeMap::from([("k".to_owned(), odd.to_owned())]);
        person
    });
    random::store(&world, people.to_vec()).await;
    for text in odd {
        let quoted = random::quoted(text);
        for filter in [
            format!("owner = {quoted}"),
            format!("tags:{quoted}"),
            format!("attributes.k = {quoted}"),
        ] {
            assert_eq!(names(&world, &filter).await.len(), 1, "{filter}");
            assert_eq!(
                names(&world, &format!("NOT {filter}")).await.len(),
                odd.len() - 1,
                "{filter}"
            );
        }
    }
    assert_eq!(names(&world, "owner = '%%'").await.len(), 0);
}

async fn what_a_crm_held_before_it_was_disconnected_is_not_found(world: World) {
    world.connect().await;
    world.lead("ana").await;
    world.deliver().await;
    let all = [
        "crm.hubspot.external_id = 1001",
        "crm.hubspot.synced_at > -1h",
        "crm.hubspot.status = synced",
    ];
    for text in all {
        assert_eq!(names(&world, text).await, ["ana"], "{text}");
    }
    world
        .core
        .disconnect_provider(&world.caller, Provider::Hubspot)
        .await
        .unwrap();
    world.core.forget(world.workspace).await;
    for text in all {
        assert_eq!(names(&world, text).await, Vec::<String>::new(), "{text}");
        assert_eq!(names(&world, &format!("NOT {text}")).await, ["ana"], "{text}");
    }
    assert_eq!(names(&world, "crm.hubspot.status = not_connected").await, ["ana"]);
}

async fn tags_are_found_as_they_are_now(world: World) {
    let lead = world.lead("ana").await.id;
    let tag = async |tags: &[&str]| {
        let change = leads_svc::service::leads::LeadChange {
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            ..Default::default()
        };
        world.core.update_lead(&world.caller, lead, change).await.unwrap();
    };
    for (tags, hot, cold) in [
        (&["a", "hot"][..], 1, 0),
        (&["cold", "hot"], 1, 1),
        (&["cold"], 0, 1),
        (&[], 0, 0),
        (&["hot"], 1, 0),
    ] {
        tag(tags).await;
        assert_eq!(names(&world, "tags:hot").await.len(), hot, "{tags:?}");
        assert_eq!(names(&world, "tags:cold").await.len(), cold, "{tags:?}");
        assert_eq!(names(&world, "NOT tags:hot").await.len(), 1 - hot, "{tags:?}");
    }
    world.core.delete_lead(&world.caller, lead).await.unwrap();
    assert_eq!(names(&world, "tags:hot").await.len(), 0);
}

async fn relative_times_mean_the_same_on_every_page(world: World) {
    let now = world.store.clock().now().trunc_subsecs(6);
    let mut draw = Draw::new(StdRng::seed_from_u64(7), now);
    let people = (0..8).map(|hours| {
        let mut person = draw.bare();
        person.lead.captured_at = now - TimeDelta::hours(hours) + TimeDelta::minutes(30);
        person
    });
    random::store(&world, people.collect()).await;
    let query = filtered("captured_at > -5h");
    let (mut met, mut token) = (0, String::new());
    loop {
        let page = world
            .core
            .list_leads(&world.caller, &query, 2, &token)
            .await
            .unwrap();
        met += page.items.len();
        token = page.next;
        if token.is_empty() {
            break;
        }
        world.pass(std::time::Duration::from_secs(3_600));
    }
    assert_eq!(met, 6);
}

/// A lead's place in an order, told independently of how the service sorts.
fn place(lead: &Lead, field: &str) -> (bool, i64, String) {
    let of_number = |number: i64| (false, number, String::new());
    let of_text = |text: &str| (text.is_empty(), 0, text.to_owned());
    let of_time = |at: DateTime<Utc>| of_number(at.timestamp_micros());
    let among = |words: &[&str], word: &str| words.iter().position(|listed| *listed == word).unwrap() as i64;
    match field {
        "captured_at" => of_time(lead.captured_at),
        "last_activity_at" => of_time(lead.last_activity_at),
        "stage_changed_at" => of_time(lead.stage_changed_at),
        "intent.at" => of_time(lead.intent.at),
        "intent.signal" => of_text(&lead.intent.signal),
        "owner" => of_text(&lead.owner),
        "score" => of_number(lead.score.into()),
        "revision" => of_number(lead.revision),
        "stage" => {
            let stages = [
                "new",
                "contacted",
                "qualified",
                "demo_booked",
                "opportunity",
                "closed",
            ];
            of_number(among(&stages, lead.stage.word()))
        }
        "channel" => {
            let channels = [
                "widget",
                "whatsapp",
                "hosted_page",
                "email",
                "slack",
                "telegram",
                "discord",
                "api",
                "import",
            ];
            of_number(among(&channels, lead.channel.word()))
        }
        "outcome" => match lead.outcome {
            Some(outcome) => of_number(among(&["won", "lost"], outcome.word())),
            None => (true, 0, String::new()),
        },
        _ => panic!("{field}"),
    }
}

async fn every_order_is_kept_page_by_page(world: World) {
    let now = world.store.clock().now().trunc_subsecs(6);
    populate(&world, 12, now).await;
    let fields = [
        "captured_at",
        "last_activity_at",
        "stage_changed_at",
        "intent.at",
        "intent.signal",
        "owner",
        "score",
        "revision",
        "stage",
        "channel",
        "outcome",
    ];
    let single = fields
        .iter()
        .flat_map(|field| [format!("{field} asc"), format!("{field} desc")]);
    let several = [
        "stage desc, owner asc, score desc",
        "outcome desc, channel asc",
        "owner desc, outcome asc",
        "score desc, captured_at desc",
        "intent.signal asc, stage_changed_at desc, owner desc",
    ];
    for text in single.chain(several.map(str::to_owned)) {
        let keys: Vec<(&str, bool)> = text
            .split(", ")
            .map(|key| key.split_once(' ').unwrap())
            .map(|(field, direction)| (field, direction == "desc"))
            .collect();
        let mut expected = shown(&world).await;
        expected.sort_by(|a, b| {
            let last_descends = keys.last().unwrap().1;
            let by_id = a.lead.id.cmp(&b.lead.id);
            let by_keys = keys.iter().map(|(field, descends)| {
                let (a, b) = (place(&a.lead, field), place(&b.lead, field));
                // Missing values last, whatever the direction.
                let by_value = (a.1, a.2).cmp(&(b.1, b.2));
                a.0.cmp(&b.0)
                    .then(if *descends { by_value.reverse() } else { by_value })
            });
            by_keys
                .reduce(std::cmp::Ordering::then)
                .unwrap()
                .then(if last_descends { by_id.reverse() } else { by_id })
        });
        let expected: Vec<Uuid> = expected.into_iter().map(|view| view.lead.id).collect();
        let query = LeadQuery {
            order: Order::parse(&text).unwrap(),
            ..everything()
        };
        let (mut met, mut token) = (Vec::new(), String::new());
        loop {
            let page = world
                .core
                .list_leads(&world.caller, &query, 7, &token)
                .await
                .unwrap();
            met.extend(page.items.into_iter().map(|view| view.lead.id));
            token = page.next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(met, expected, "{text}");
    }
}

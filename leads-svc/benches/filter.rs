//! What a filter costs in memory: `cargo bench -p leads-svc --bench filter`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program for people, that stops where something is wrong"
)]

use std::{hint::black_box, time::Instant};

use chrono::{DateTime, TimeDelta};
use leads_svc::domain::{
    contact::{Contact, Profile},
    filter::{self, Subject},
    lead::{Channel, Intent, Lead, Stage},
    sync::{Link, Provider, Status},
};
use uuid::Uuid;

const ROUNDS: usize = 200_000;
const RUNS: usize = 7;

/// Each with five terms, all of which are looked at.
const FILTERS: [(&str, &str); 3] = [
    (
        "columns",
        "score >= 80 AND stage = new AND (channel = widget OR channel = whatsapp) AND captured_at > -7d",
    ),
    (
        "sets, attributes, crm",
        "tags:hot AND attributes.utm_source = ads AND owner:* AND channels:whatsapp AND NOT crm.hubspot.status = error",
    ),
    (
        "words",
        "company:acme AND name:ana AND email:example AND NOT title:cto AND ruiz",
    ),
];

fn main() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let lead = Lead {
        id: Uuid::from_u128(1),
        contact_id: Uuid::from_u128(2),
        stage: Stage::New,
        outcome: None,
        stage_changed_at: now,
        score: 85,
        score_id: Uuid::nil(),
        intent: Intent {
            signal: "asked_pricing".to_owned(),
            detail: String::new(),
            at: now,
        },
        channel: Channel::Whatsapp,
        channels: vec![Channel::Email, Channel::Whatsapp],
        tags: vec!["eu".to_owned(), "hot".to_owned()],
        owner: "bo".to_owned(),
        captured_at: now - TimeDelta::days(1),
        last_activity_at: now,
        revision: 1,
        sync_revision: 1,
        merged_into: None,
        own: None,
    };
    let contact = Contact {
        profile: Profile {
            email: Some("ana.ruiz@acme.example".to_owned()),
            name: Some("Ana Ruiz".to_owned()),
            company: Some("Acme Werke GmbH".to_owned()),
            title: Some("Head of CX".to_owned()),
            ..Profile::default()
        },
        attributes: [("utm_source", "ads"), ("page", "/pricing"), ("plan", "pro")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Contact::default()
    };
    let links = [Link::without_job(Provider::Hubspot, Status::Pending, None)];
    let subject = Subject {
        lead: &lead,
        contact: &contact,
        score: None,
        links: &links,
    };
    for (name, text) in FILTERS {
        let filter = filter::parse(text).unwrap();
        assert!(filter.matches(&subject, now), "{text}");
        let mut nanos: Vec<u128> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..ROUNDS {
                    black_box(black_box(&filter).matches(black_box(&subject), now));
                }
                start.elapsed().as_nanos() / ROUNDS as u128
            })
            .collect();
        nanos.sort_unstable();
        let (least, middle, most) = (nanos[0], nanos[RUNS / 2], nanos[RUNS - 1]);
        println!("{name}: {middle} ns a lead ({least}–{most}), five terms");
    }
}

//! Random people and random filters that are about them: few values, so that they meet.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use leads_svc::{
    domain::{
        contact::Profile,
        ids,
        lead::{Channel, Intent, Lead, Outcome, Stage},
        score::{Dimension, Score},
    },
    storage::{
        capture::{ContactWrite, LeadWrite, Write},
        transaction::Prior,
    },
};
use rand::{RngExt, rngs::StdRng};
use uuid::Uuid;

use crate::{
    population::{address, pick},
    world::World,
};

pub const RECORDS: [&str; 3] = ["1001", "1002", "ä-3"];
const NAMES: [&str; 6] = [
    "Ana Ruiz",
    "ANA ruiz",
    "Владимир Ильин",
    "Jörg Straße",
    "北京 公司",
    "Bartholomew Li",
];
const COMPANIES: [&str; 4] = ["Acme Werke GmbH", "acme", "Ünï & Söhne", "Globex-Ana"];
const TITLES: [&str; 3] = ["CTO", "Head of CX", "директор"];
const PHONES: [&str; 3] = ["+34600000000", "+34600000009", "600000000"];
const TEXTS: [&str; 7] = ["ads", "Ads", "ä", "реклама", "a\"b'c", "%", "10"];
const OWNERS: [&str; 5] = ["bo", "Bo", "ana@acme.example", "Ёж", "z"];
const TAGS: [&str; 5] = ["hot", "Hot", "VIP client", "реклама", "a'b\"c"];
const SIGNALS: [&str; 3] = ["asked_pricing", "requested_demo", "x"];
const KEYS: [&str; 3] = ["plan", "utm_source", "a.b-c"];
const PARTS: [&str; 4] = ["budget", "authority", "need", "timing"];
const WORDS: [&str; 15] = [
    "ana",
    "ANA",
    "an",
    "Вла",
    "владимир",
    "straße",
    "STRASSE",
    "公司",
    "北京",
    "acme",
    "gmb",
    "globex",
    "example",
    "bartholo",
    "bartholom",
];

/// Sorts of terms, one for each field and what can be asked of it.
pub const TERMS: &[&str] = &[
    "id",
    "contact.id",
    "stage",
    "outcome",
    "channel",
    "channels",
    "tags",
    "tags:*",
    "owner",
    "owner:*",
    "outcome:*",
    "intent.signal",
    "times",
    "score",
    "points",
    "points:*",
    "band",
    "framework",
    "scored_at",
    "revision",
    "attribute",
    "attribute:*",
    "attributes:",
    "whole",
    "whole:*",
    "email",
    "word",
    "anywhere",
    "status",
    "external_id",
    "external_id:*",
    "synced_at",
    "synced_at:*",
];

/// Somebody.
#[derive(Clone)]
pub struct Person {
    pub profile: Profile,
    pub attributes: BTreeMap<String, String>,
    pub lead: Lead,
    pub score: Option<Score>,
}

/// Draws people and filters.
pub struct Draw {
    pub random: StdRng,
    now: DateTime<Utc>,
    ids: Vec<(Uuid, Uuid)>,
    emails: Vec<String>,
}

impl Draw {
    pub fn new(random: StdRng, now: DateTime<Utc>) -> Self {
        Self {
            random,
            now,
            ids: Vec::new(),
            emails: Vec::new(),
        }
    }

    /// Somebody of whom nothing is known that can be missing.
    pub fn bare(&mut self) -> Person {
        let (id, contact_id) = (Uuid::now_v7(), Uuid::now_v7());
        let email = format!("{}@leads.example", &id.simple().to_string()[20..]);
        self.ids.push((id, contact_id));
        self.emails.push(email.clone());
        let time = self.time();
        let channel = pick(&mut self.random, Channel::ALL);
        Person {
            profile: Profile {
                email: Some(email),
                ..Profile::default()
            },
            attributes: BTreeMap::new(),
            score: None,
            lead: Lead {
                id,
                contact_id,
                stage: pick(&mut self.random, &Stage::ALL[..5]),
                outcome: None,
                stage_changed_at: time,
                score: self.random.random_range(0..=20) * 5,
                score_id: Uuid::nil(),
                intent: Intent {
                    signal: pick(&mut self.random, &SIGNALS).to_owned(),
                    detail: String::new(),
                    at: self.time(),
                },
                channel,
                channels: vec![channel],
                tags: Vec::new(),
                owner: String::new(),
                captured_at: self.time(),
                last_activity_at: self.time(),
                revision: self.random.random_range(1..5),
                sync_revision: 1,
                merged_into: None,
                own: None,
            },
        }
    }

    /// Gives them everything that can be missing.
    pub fn fill(&mut self, person: &mut Person) {
        let random = &mut self.random;
        person.profile.name = Some(pick(random, &NAMES).to_owned());
        person.profile.company = Some(pick(random, &COMPANIES).to_owned());
        person.profile.title = Some(pick(random, &TITLES).to_owned());
        person.profile.phone = Some("+34600000000".to_owned());
        person.attributes = KEYS
            .map(|key| (key.to_owned(), pick(random, &TEXTS).to_owned()))
            .into();
        person.lead.owner = pick(random, &OWNERS).to_owned();
        person.lead.tags = vec![pick(random, &TAGS).to_owned()];
        person.lead.stage = Stage::Closed;
        person.lead.outcome = Some(Outcome::Won);
        person.score = Some(self.score(0));
        person.lead.score_id = Uuid::now_v7();
    }

    /// Somebody of whom anything may be missing.
    pub fn person(&mut self) -> Person {
        let mut full = self.bare();
        self.fill(&mut full);
        let random = &mut self.random;
        let mut keep = || random.random_bool(0.6);
        let profile = &mut full.profile;
        profile.name = profile.name.take().filter(|_| keep());
        profile.company = profile.company.take().filter(|_| keep());
        profile.title = profile.title.take().filter(|_| keep());
        let has_phone = keep();
        full.attributes.retain(|_, _| keep());
        if !keep() {
            full.lead.owner.clear();
        }
        if !keep() {
            full.lead.tags.clear();
        }
        if !keep() {
            full.lead.stage = Stage::New;
            full.lead.outcome = None;
        } else if keep() {
            full.lead.outcome = Some(Outcome::Lost);
        }
        if !keep() {
            full.lead.score_id = Uuid::nil();
            full.score = None;
        }
        profile.phone = has_phone.then(|| pick(random, &PHONES).to_owned());
        if random.random_bool(0.3) {
            full.lead.tags = vec!["VIP client".to_owned(), "hot".to_owned()];
        }
        if random.random_bool(0.3) {
            full.lead.channels.push(Channel::Slack);
            full.lead.channels.dedup();
        }
        if let Some(score) = &mut full.score {
            // As in rubrics that do not have all of the parts.
            score.dimensions.truncate(random.random_range(1..=4));
        }
        full
    }

    fn score(&mut self, total: u8) -> Score {
        Score {
            total,
            framework: pick(&mut self.random, &["bant", "meddic"]).to_owned(),
            rubric_version: 1,
            dimensions: PARTS
                .map(|key| Dimension {
                    key: key.to_owned(),
                    label: String::new(),
                    points: self.random.random_range(0..=5) * 5,
                    max: 25,
                    level: String::new(),
                    reason: String::new(),
                    quote: None,
                })
                .into(),
            scored_at: self.time(),
        }
    }

    fn time(&mut self) -> DateTime<Utc> {
        let micros = pick(&mut self.random, &[0, 0, 1, 500_000]);
        self.now - TimeDelta::hours(self.random.random_range(0..6)) + TimeDelta::microseconds(micros)
    }

    /// A filter with so many levels at most.
    pub fn filter(&mut self, levels: usize) -> String {
        if levels == 0 || self.random.random_bool(0.2) {
            let sort = pick(&mut self.random, TERMS);
            return self.term(sort);
        }
        let inner: Vec<String> = (0..self.random.random_range(1..=3))
            .map(|_| self.filter(levels - 1))
            .collect();
        let negation = pick(&mut self.random, &["", "", "NOT ", "-"]);
        let joint = pick(&mut self.random, &[" AND ", " OR "]);
        format!("{negation}({})", inner.join(joint))
    }

    /// A term of that sort.
    pub fn term(&mut self, sort: &str) -> String {
        let random = &mut self.random;
        let equality = pick(random, &["=", "!="]);
        let compares = pick(random, &["=", "!=", "<", "<=", ">", ">="]);
        let distance = self.random.random_range(0..6);
        let time = match self.random.random_bool(0.5) {
            true => format!("-{distance}h"),
            false => {
                let time = self.time().to_rfc3339_opts(SecondsFormat::Micros, true);
                format!("\"{time}\"")
            }
        };
        let random = &mut self.random;
        let key = pick(random, &KEYS);
        let part = pick(random, &PARTS);
        match sort {
            "id" | "contact.id" => {
                let (lead, contact) = pick(random, &self.ids);
                match sort {
                    "id" => format!("id {equality} {}", ids::format::<ids::Lead>(lead)),
                    _ => format!("contact.id {equality} {}", ids::format::<ids::Contact>(contact)),
                }
            }
            "stage" => format!("stage {equality} {}", pick(random, Stage::ALL).word()),
            "outcome" => format!("outcome {equality} {}", pick(random, Outcome::ALL).word()),
            "channel" => format!("channel {equality} {}", pick(random, Channel::ALL).word()),
            "channels" => format!("channels:{}", pick(random, Channel::ALL).word()),
            "tags" => format!("tags:{}", quoted(pick(random, &TAGS))),
            "tags:*" | "owner:*" | "outcome:*" => sort.to_owned(),
            "owner" => format!("owner {equality} {}", quoted(pick(random, &OWNERS))),
            "intent.signal" => format!("intent.signal {equality} {}", pick(random, &SIGNALS)),
            "times" => {
                let fields = ["captured_at", "last_activity_at", "stage_changed_at", "intent.at"];
                format!("{} {compares} {time}", pick(random, &fields))
            }
            "score" => format!("score {compares} {}", random.random_range(0..=20) * 5),
            "points" => format!("score.{part} {compares} {}", random.random_range(0..=5) * 5),
            "points:*" => format!("score.{part}:*"),
            "band" => format!(
                "score.band {equality} {}",
                pick(random, &["cold", "lukewarm", "warm", "hot"])
            ),
            "framework" => format!(
                "score.framework {equality} {}",
                pick(random, &["bant", "meddic", "gpct"])
            ),
            "scored_at" => format!("score.scored_at {compares} {time}"),
            "revision" => format!("revision {compares} {}", random.random_range(0..6)),
            "attribute" => format!("attributes.{key} {equality} {}", quoted(pick(random, &TEXTS))),
            "attribute:*" => format!("attributes.{key}:*"),
            "attributes:" => format!("attributes:{key}"),
            "whole" => match random.random_range(0..4) {
                0 => format!("name {equality} {}", quoted(pick(random, &NAMES))),
                1 => format!("company {equality} {}", quoted(pick(random, &COMPANIES))),
                2 => format!("title {equality} {}", quoted(pick(random, &TITLES))),
                _ => format!("phone {equality} {}", quoted(pick(random, &PHONES))),
            },
            "whole:*" => format!("{}:*", pick(random, &["name", "company", "title", "phone"])),
            "email" => {
                let email = self.emails[random.random_range(0..self.emails.len())].to_uppercase();
                format!("email {equality} {}", quoted(&email))
            }
            "word" => {
                let likely = [
                    ("name", "ana"),
                    ("contact.name", "Вла"),
                    ("company", "acme werke"),
                    ("title", "HEAD"),
                ];
                let parts = ["name", "company", "title", "email"];
                let (within, word) = match random.random_bool(0.5) {
                    true => pick(random, &likely),
                    false => (pick(random, &parts), pick(random, &WORDS)),
                };
                format!("{within}:{}", quoted(word))
            }
            "anywhere" => quoted(&format!(
                "{} {}",
                pick(random, &WORDS),
                pick(random, &["", "li", "ana"])
            )),
            "status" => {
                let statuses = [
                    "not_connected",
                    "below_threshold",
                    "blocked",
                    "pending",
                    "synced",
                    "error",
                ];
                format!("crm.hubspot.status {equality} {}", pick(random, &statuses))
            }
            "external_id" => format!("crm.hubspot.external_id {equality} {}", pick(random, &RECORDS)),
            "external_id:*" | "synced_at:*" => format!("crm.hubspot.{sort}"),
            "synced_at" => format!("crm.hubspot.synced_at {compares} {time}"),
            _ => panic!("{sort}"),
        }
    }
}

/// A text as a literal.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub async fn store(world: &World, people: Vec<Person>) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let mut writes = Vec::with_capacity(people.len());
    for person in people {
        let Person {
            profile,
            attributes,
            lead,
            score,
        } = person;
        let mut write = Write::empty(world.workspace);
        write.identities = address(lead.contact_id, &profile);
        write.contact = Some(ContactWrite {
            id: lead.contact_id,
            profile,
            attributes,
            seen: Default::default(),
            messages: 0,
            key: None,
            prior: Prior::Absent,
            at: lead.captured_at,
        });
        write.score = score.map(|score| (lead.score_id, lead.id, score));
        write.lead = Some(LeadWrite {
            lead,
            prior: Prior::Absent,
        });
        writes.push(world.store.seal(&keys, write).await.unwrap());
    }
    world.store.write(world.workspace, writes).await.unwrap();
}

//! Merging and undoing against a world in which nobody ever merged.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    capture::Capture,
    consent::{Consent, Details, Standing},
    contact::{Field, Profile},
    lead::{Channel, Intent, Outcome, Stage},
};

const LEADS: u128 = 5;
const PURPOSE: &str = "sales_contact";

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn lead(index: u128) -> Uuid {
    Uuid::from_u128(index + 1)
}

fn intent(signal: &str, minute: i64) -> Intent {
    Intent {
        signal: signal.to_owned(),
        detail: String::new(),
        at: at(minute),
    }
}

/// A lead as its first capture made it.
fn state(name: &str, captured: i64) -> State {
    let mut profile = Profile {
        email: Some(format!("{name}@acme.com")),
        name: Some(name.to_owned()),
        ..Profile::default()
    };
    profile.filled_at.set_field(Field::Name, at(captured));
    State {
        profile,
        attributes: BTreeMap::new(),
        stage: Stage::New,
        outcome: None,
        stage_changed_at: at(captured),
        intent: intent("asked_pricing", captured),
        channel: Channel::Widget,
        channels: vec![Channel::Widget],
        tags: Vec::new(),
        owner: String::new(),
        captured_at: at(captured),
        last_activity_at: at(captured),
    }
}

fn capture(name: &str, channel: Channel, minute: i64) -> Capture {
    Capture {
        channel,
        profile: Profile {
            name: Some(name.to_owned()),
            ..Profile::default()
        },
        attributes: BTreeMap::from([("page".to_owned(), format!("/{name}"))]),
        intent: Some(intent(name, minute)),
        consents: Vec::new(),
        messages: Vec::new(),
        conversation_id: String::new(),
        captured_at: at(minute),
    }
}

fn consent(given: bool, minute: i64) -> Consent {
    Consent {
        purpose: PURPOSE.to_owned(),
        given,
        text: String::new(),
        version: String::new(),
        channel: Channel::Api,
        at: at(minute),
        details: Details::default(),
    }
}

#[derive(Debug, Clone)]
enum Event {
    /// A capture with the address of a lead; `ago` before it arrives.
    Capture {
        lead: u128,
        capture: Box<Capture>,
        ago: i64,
    },
    /// A change of whichever lead the named one is shown as.
    Update { lead: u128, update: Update },
    /// A consent through a lead.
    Consent { lead: u128, given: bool },
    /// A merge of the persons that two leads are.
    Merge {
        survivor: u128,
        absorbed: u128,
        choices: BTreeMap<Part, Side>,
    },
    /// An undo of the newest merge of the person that a lead is.
    Undo { lead: u128 },
}

/// Merged leads, and the same leads in a world without merges.
struct Worlds {
    merged: Vec<Person>,
    never: HashMap<Uuid, State>,
    consents: HashMap<Uuid, Vec<Consent>>,
    now: i64,
}

impl Worlds {
    fn new() -> Self {
        let states: Vec<(Uuid, State)> = (0..LEADS)
            .map(|index| (lead(index), state(&format!("lead{index}"), index as i64)))
            .collect();
        Self {
            merged: states
                .iter()
                .map(|(lead, state)| Person::alone(*lead, state.clone()))
                .collect(),
            never: states.into_iter().collect(),
            consents: HashMap::new(),
            now: 10,
        }
    }

    /// Place of the person that a lead is part of.
    fn place(&self, lead: Uuid) -> usize {
        self.merged
            .iter()
            .position(|person| person.leads().iter().any(|(member, _)| *member == lead))
            .unwrap()
    }

    fn apply(&mut self, event: Event) {
        self.now += 1;
        let now = at(self.now);
        match event {
            Event::Capture {
                lead: index,
                mut capture,
                ago,
            } => {
                let (id, moment) = (lead(index), at(self.now - ago));
                capture.captured_at = moment;
                if let Some(intent) = &mut capture.intent {
                    intent.at = moment;
                }
                let place = self.place(id);
                self.merged[place]
                    .find_mut(id)
                    .unwrap()
                    .own
                    .capture(&capture, now);
                self.never.get_mut(&id).unwrap().capture(&capture, now);
            }
            Event::Update { lead: index, update } => {
                let place = self.place(lead(index));
                let person = &mut self.merged[place];
                person.update(&update, now);
                self.never.get_mut(&person.lead).unwrap().update(&update, now);
                let view = person.united();
                if let Some(stage) = update.stage {
                    assert_eq!((view.stage, view.outcome), stage, "a change by hand is not shown");
                }
                if let Some(tags) = update.tags {
                    assert_eq!(view.tags, tags, "a change by hand is not shown");
                }
                if let Some(owner) = update.owner {
                    assert_eq!(view.owner, owner, "a change by hand is not shown");
                }
            }
            Event::Consent { lead: index, given } => {
                let record = consent(given, self.now);
                self.consents.entry(lead(index)).or_default().push(record);
                let shown = self.standing(self.place(lead(index)));
                assert_eq!(
                    shown == Some(Standing::Given),
                    given,
                    "the newest statement counts"
                );
            }
            Event::Merge {
                survivor,
                absorbed,
                choices,
            } => self.merge(lead(survivor), lead(absorbed), choices),
            Event::Undo { lead: index } => {
                let place = self.place(lead(index));
                self.undo(place);
            }
        }
    }

    fn merge(&mut self, survivor: Uuid, absorbed: Uuid, mut choices: BTreeMap<Part, Side>) {
        let (to, from) = (self.place(survivor), self.place(absorbed));
        let verdict = self.merged[to].can_absorb(survivor, &self.merged[from], absorbed);
        if to == from {
            assert_ne!(verdict, Ok(true), "a merge of merged leads");
            return;
        }
        assert_eq!(verdict, Ok(true));
        let views = (self.merged[to].united(), self.merged[from].united());
        choices.retain(|part, side| {
            let view = if *side == Side::Survivor {
                &views.0
            } else {
                &views.1
            };
            !part.value(view).is_empty()
        });
        let standings = [to, from].map(|place| self.standing(place));
        let now = at(self.now);
        let preview = self.merged[to].preview(&self.merged[from], &choices, now);
        let other = self.merged[from].clone();
        self.merged[to].absorb(other, Uuid::from_u128(self.now as u128), &choices, now);
        let view = self.merged[to].united();
        assert_eq!(preview.state, view, "the preview is the result");
        for line in preview.lines {
            assert_eq!(line.part.value(&view), line.value);
            if let Some(side) = line.from {
                let source = if side == Side::Survivor {
                    &views.0
                } else {
                    &views.1
                };
                assert_eq!(
                    line.part.value(source),
                    line.value,
                    "{:?} is not from there",
                    line.part
                );
            }
            if let Some(side) = choices.get(&line.part) {
                let source = if *side == Side::Survivor {
                    &views.0
                } else {
                    &views.1
                };
                assert_eq!(line.part.value(source), line.value, "{:?} was chosen", line.part);
            }
        }
        assert_eq!(
            self.standing(to),
            standings.into_iter().flatten().max(),
            "a merge widens or loses consent"
        );
        self.merged.remove(from);
    }

    /// Undoes the newest merge of a person, if it has one, and sees that no other one can be undone.
    fn undo(&mut self, place: usize) {
        let person = &mut self.merged[place];
        let Some(newest) = person.absorbed.last().map(|absorbed| absorbed.merge.id) else {
            assert_eq!(person.undo(Uuid::nil()), Err(Refusal::Unknown));
            return;
        };
        let mut older: Vec<Uuid> = Vec::new();
        merges(person, &mut older);
        for merge in older.into_iter().filter(|merge| *merge != newest) {
            assert_eq!(person.undo(merge), Err(Refusal::NotNewest { first: newest }));
        }
        assert_eq!(person.undo(Uuid::nil()), Err(Refusal::Unknown));
        let freed = person.undo(newest).unwrap();
        self.merged.push(freed);
    }

    fn standing(&self, place: usize) -> Option<Standing> {
        self.merged[place]
            .consent(&self.consents, PURPOSE, at(self.now))
            .map(|current| current.standing)
    }

    fn unwind(&mut self) {
        while let Some(place) = self.merged.iter().position(|person| !person.absorbed.is_empty()) {
            self.undo(place);
        }
    }
}

fn merges(person: &Person, found: &mut Vec<Uuid>) {
    for absorbed in &person.absorbed {
        found.push(absorbed.merge.id);
        merges(&absorbed.person, found);
    }
}

fn event() -> impl Strategy<Value = Event> {
    let word = || prop::sample::select(vec!["ana", "bob", "eve"]);
    let channel = prop::sample::select(Channel::ALL.to_vec());
    let stage = prop::sample::select(Stage::ALL.to_vec()).prop_flat_map(|stage| {
        let outcome = prop::sample::select(Outcome::ALL.to_vec());
        outcome.prop_map(move |outcome| (stage, (stage == Stage::Closed).then_some(outcome)))
    });
    let tags = prop::collection::btree_set(word(), 0..3)
        .prop_map(|tags| tags.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let owner = prop::sample::select(vec!["", "carl", "dora"]).prop_map(str::to_owned);
    let update = (
        prop::option::of(stage),
        prop::option::of(tags),
        prop::option::of(owner),
    );
    let part = prop::sample::select(vec![
        Part::Email,
        Part::Field(Field::Name),
        Part::Attribute("page".to_owned()),
        Part::Stage,
        Part::Owner,
        Part::Tags,
    ]);
    let side = prop::sample::select(vec![Side::Survivor, Side::Absorbed]);
    let choices = prop::collection::btree_map(part, side, 0..4);
    prop_oneof![
        4 => (0..LEADS, word(), channel, 0..6_i64).prop_map(|(lead, name, channel, ago)| Event::Capture {
            lead,
            capture: Box::new(capture(name, channel, 0)),
            ago,
        }),
        3 => (0..LEADS, update).prop_map(|(lead, (stage, tags, owner))| Event::Update {
            lead,
            update: Update { stage, tags, owner },
        }),
        2 => (0..LEADS, any::<bool>()).prop_map(|(lead, given)| Event::Consent { lead, given }),
        3 => (0..LEADS, 0..LEADS, choices).prop_map(|(survivor, absorbed, choices)| Event::Merge {
            survivor,
            absorbed,
            choices,
        }),
        1 => (0..LEADS).prop_map(|lead| Event::Undo { lead }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn undone_merges_leave_the_leads_as_if_they_had_never_been(
        events in prop::collection::vec(event(), 1..40),
    ) {
        let mut worlds = Worlds::new();
        for event in events {
            worlds.apply(event);
        }
        // What is stored gives back the same person.
        for person in &worlds.merged {
            let mut own: HashMap<Uuid, State> = person
                .leads()
                .into_iter()
                .map(|(lead, state)| (lead, serde_json::from_value(serde_json::to_value(state).unwrap()).unwrap()))
                .collect();
            let mut links = Vec::new();
            links_of(person, &mut links);
            links.sort_by_key(|link| link.merge.at);
            let assembled = Person::assemble(person.lead, &mut own, &links);
            prop_assert_eq!(assembled.as_ref(), Some(person));
        }
        worlds.unwind();
        prop_assert_eq!(worlds.merged.len() as u128, LEADS);
        for person in worlds.merged {
            prop_assert_eq!(Some(&person.own), worlds.never.get(&person.lead));
            prop_assert_eq!(person.united(), person.own);
        }
    }
}

fn links_of(person: &Person, links: &mut Vec<Link>) {
    for absorbed in &person.absorbed {
        links.push(Link {
            survivor: person.lead,
            absorbed: absorbed.person.lead,
            merge: absorbed.merge.clone(),
        });
        links_of(&absorbed.person, links);
    }
}

#[test]
fn the_newest_name_is_shown_and_a_choice_lasts_until_a_newer_one() {
    let mut ana = Person::alone(lead(0), state("ana", 1));
    let anita = Person::alone(lead(1), state("anita", 2));
    let choices = BTreeMap::from([(Part::Field(Field::Name), Side::Survivor)]);
    ana.absorb(anita.clone(), lead(9), &BTreeMap::new(), at(3));
    assert_eq!(ana.united().profile.name.as_deref(), Some("anita"));
    ana.undo(lead(9)).unwrap();
    ana.absorb(anita, lead(10), &choices, at(3));
    assert_eq!(ana.united().profile.name.as_deref(), Some("ana"));
    let newer = capture("Anita Ruiz", Channel::Email, 4);
    ana.find_mut(lead(1)).unwrap().own.capture(&newer, at(4));
    assert_eq!(ana.united().profile.name.as_deref(), Some("Anita Ruiz"));
    assert_eq!(ana.united().profile.email.as_deref(), Some("ana@acme.com"));
}

#[test]
fn the_united_view_takes_the_furthest_stage_all_tags_and_the_earliest_touch() {
    let mut survivor = state("ana", 5);
    survivor.tags = vec!["b".to_owned(), "c".to_owned()];
    let mut absorbed = state("anita", 2);
    absorbed.stage = Stage::DemoBooked;
    absorbed.tags = vec!["a".to_owned(), "b".to_owned()];
    absorbed.owner = "dora".to_owned();
    absorbed.channel = Channel::Slack;
    absorbed.channels = vec![Channel::Slack, Channel::Email];
    let mut person = Person::alone(lead(0), survivor);
    person.absorb(Person::alone(lead(1), absorbed), lead(9), &BTreeMap::new(), at(6));
    let view = person.united();
    assert_eq!(view.stage, Stage::DemoBooked);
    assert_eq!(view.tags, ["a", "b", "c"]);
    assert_eq!(view.owner, "dora");
    assert_eq!((view.channel, view.captured_at), (Channel::Slack, at(2)));
    assert_eq!(view.channels, [Channel::Slack, Channel::Email, Channel::Widget]);
    assert_eq!((view.intent.at, view.last_activity_at), (at(5), at(5)));
}

#[test]
fn impossible_merges_are_refused_and_a_repeated_one_does_nothing() {
    let mut ana = Person::alone(lead(0), state("ana", 1));
    let bob = Person::alone(lead(1), state("bob", 1));
    assert_eq!(ana.can_absorb(lead(0), &ana, lead(0)), Err(Refusal::Itself));
    assert_eq!(ana.can_absorb(lead(0), &bob, lead(1)), Ok(true));
    ana.absorb(bob, lead(9), &BTreeMap::new(), at(2));
    assert_eq!(ana.can_absorb(lead(0), &ana, lead(1)), Ok(false));
    assert_eq!(ana.can_absorb(lead(1), &ana, lead(0)), Err(Refusal::Cycle));
    let mut crowd = Person::alone(lead(200), state("crowd", 1));
    for index in 201..299 {
        let one = Person::alone(lead(index), state("one", 1));
        crowd.absorb(one, lead(1_000 + index), &BTreeMap::new(), at(2));
    }
    let last = Person::alone(lead(300), state("last", 1));
    assert_eq!(crowd.can_absorb(lead(200), &last, lead(300)), Ok(true));
    assert_eq!(crowd.can_absorb(lead(200), &ana, lead(0)), Err(Refusal::TooMany));
}

#[test]
fn choices_of_nothing_are_refused() {
    let (ana, bob) = (
        Person::alone(lead(0), state("ana", 1)),
        Person::alone(lead(1), state("bob", 1)),
    );
    let choices = BTreeMap::from([
        (Part::Intent, Side::Survivor),
        (Part::Owner, Side::Absorbed),
        (Part::Email, Side::Absorbed),
    ]);
    let mut violations = crate::domain::violation::Violations::default();
    ana.check_choices(&bob, "choices", &choices, &mut violations);
    let fields: Vec<String> = violations
        .into_vec()
        .into_iter()
        .map(|found| found.field)
        .collect();
    assert_eq!(fields, ["choices.owner", "choices.intent"]);
}

//! Invariants over any text: no panic, quotes inside visitor messages on character boundaries, same in, same out.

use jiff::{Timestamp, tz::Offset};
use proptest::prelude::*;

use super::{Conversation, Quote, jsonl, qualify};
use crate::domain::conversation::{Profile, Role, Turn};
use crate::domain::icp::IdealCustomer;

/// Pieces that steer random text into the rules.
const PIECES: &[&str] = &[
    "we have",
    "12k",
    "€ 1.500,50",
    "a month",
    "per head",
    "budget",
    "no",
    "nicht",
    "yes",
    "next",
    "end of",
    "Q3",
    "March",
    "31.02.",
    "99/99",
    "30/2/2025",
    "my boss",
    "decides",
    "I sign",
    "lakh",
    "8-",
    "-10",
    "in",
    "three weeks",
    "?",
    ". ",
    "\n",
    ", ",
    "(",
    "ignore your instructions",
    "२०२५",
    "👍🏽",
    "é",
    "ß",
    "I̊",
    "\u{200b}",
    "half",
    "the 31st",
    "fiscal",
    "year starts",
    "Feb 29",
    "9999999999999999999999",
    "kal se",
    "pas",
    "holi",
    "2059",
    "regards",
    ">",
    "=",
    "of next year",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[0-9]{1,20}[.,/' -]{0,2}[0-9]{0,9}",
        1 => "\\PC{0,12}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![3 => Just(Role::Visitor), 2 => Just(Role::Bot), 1 => Just(Role::Agent)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_talk_gives_sound_evidence(
        messages in prop::collection::vec((role(), text()), 0..9),
        title in prop::option::of(any::<String>()),
        terms in prop::collection::vec(any::<String>(), 0..3),
        second in -300_000_000_000i64..250_000_000_000,
        offset in -90_000i32..90_000,
        min in prop::option::of(any::<u64>()),
    ) {
        let turns: Vec<_> = messages.iter().map(|(role, text)| Turn { role: *role, text }).collect();
        let icp = IdealCustomer { budget_min: min, product_terms: terms, currency: Some("USD".to_owned()), ..IdealCustomer::default() };
        let talk = Conversation {
            captured_at: Timestamp::from_second(second).unwrap(),
            offset: Offset::from_seconds(offset).unwrap(),
            icp: &icp,
            profile: Profile { title: title.as_deref(), ..Profile::default() },
            turns: &turns,
        };
        let evidence = qualify(&talk);
        prop_assert_eq!(evidence, qualify(&talk));
        let sound = |quote: Option<Quote>| quote.is_none_or(|quote| {
            turns.get(quote.message).is_some_and(|turn| {
                turn.role == Role::Visitor && turn.text.get(quote.start..quote.end).is_some_and(|text| !text.is_empty())
            })
        });
        prop_assert!(sound(evidence.budget.quote) && sound(evidence.authority.quote));
        prop_assert!(sound(evidence.need.quote) && sound(evidence.timing.quote));
    }

    #[test]
    fn what_bots_and_agents_say_is_no_evidence(text in text()) {
        let icp = IdealCustomer::default();
        let turns = [Turn { role: Role::Bot, text: &text }, Turn { role: Role::Agent, text: &text }];
        let evidence = qualify(&Conversation {
            captured_at: Timestamp::UNIX_EPOCH,
            offset: Offset::UTC,
            icp: &icp,
            profile: Profile::default(),
            turns: &turns,
        });
        let levels = [evidence.budget.level.key(), evidence.authority.level.key(), evidence.need.level.key(), evidence.timing.level.key()];
        prop_assert_eq!(levels, ["none"; 4]);
    }

    #[test]
    fn no_line_panics(line in any::<String>()) {
        let _ = jsonl::qualify_line(&line);
    }
}

//! Texts of filters, and what is wrong with them.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    filter::{CrmField, When},
    search::Part,
    sync::Provider,
};

fn is(field: Field, test: Test) -> Filter {
    Filter::Is(Term { field, test })
}

fn number(field: Field, comparator: Comparator, number: i64) -> Filter {
    Filter::compare(field, comparator, Value::Number(number))
}

fn found(field: Field, word: &str) -> Filter {
    is(field, Test::Words(vec![word.to_owned()]))
}

/// Position, what was found, and the beginning of what was expected.
fn fault(text: &str) -> (usize, String, String) {
    let fault = parse(text).unwrap_err();
    (fault.position, fault.found.unwrap_or_default(), fault.expected)
}

#[test]
fn or_binds_tighter_than_and() {
    let (a, b, c, d) = (
        found(Field::Anywhere, "a"),
        found(Field::Anywhere, "b"),
        found(Field::Anywhere, "c"),
        found(Field::Anywhere, "d"),
    );
    let not_c = Filter::Not(Box::new(c));
    assert_eq!(
        parse("a AND b OR NOT c AND d"),
        Ok(Filter::All(vec![
            a.clone(),
            Filter::Any(vec![b.clone(), not_c.clone()]),
            d.clone()
        ]))
    );
    assert_eq!(
        parse("(a AND b) OR -c"),
        Ok(Filter::Any(vec![Filter::All(vec![a, b]), not_c]))
    );
}

#[test]
fn every_sort_of_term_is_read() {
    assert_eq!(
        parse(
            "score >= 80 AND stage != demo_booked AND (channel = whatsapp OR tags:hot OR channels:slack) AND \
             captured_at > -7d AND -crm.hubspot.status=error AND company:\"Acme\" AND attributes.utm_source = 'ads' AND \
             attributes:page AND owner:* AND email = \"Ana@Acme.Example\" AND score.budget < 5 AND 'Ana Ruiz'"
        ),
        Ok(Filter::All(vec![
            number(Field::Score, Comparator::GreaterOrEqual, 80),
            Filter::compare(
                Field::Stage,
                Comparator::NotEqual,
                Value::Text("demo_booked".to_owned())
            ),
            Filter::Any(vec![
                Filter::equals(Field::Channel, "whatsapp"),
                Filter::holds(Field::Tags, "hot"),
                Filter::holds(Field::Channels, "slack"),
            ]),
            Filter::compare(
                Field::CapturedAt,
                Comparator::Greater,
                Value::Time(When::FromNow(TimeDelta::days(-7)))
            ),
            Filter::Not(Box::new(Filter::equals(
                Field::Crm(Provider::Hubspot, CrmField::Status),
                "error"
            ))),
            found(Field::Person(Part::Company), "acme"),
            Filter::equals(Field::Attribute("utm_source".to_owned()), "ads"),
            is(Field::Attribute("page".to_owned()), Test::IsPresent),
            is(Field::Owner, Test::IsPresent),
            Filter::equals(Field::Person(Part::Email), "ana@acme.example"),
            number(
                Field::Points(crate::domain::filter::Points::Budget),
                Comparator::Less,
                5
            ),
            Filter::words(vec!["ana".to_owned(), "ruiz".to_owned()]),
        ]))
    );
    assert_eq!(parse(" \n"), Ok(Filter::EVERYTHING));
    let warm = Filter::All(vec![
        number(Field::Score, Comparator::GreaterOrEqual, 60),
        number(Field::Score, Comparator::LessOrEqual, 79),
    ]);
    assert_eq!(parse("score.band = warm"), Ok(warm.clone()));
    assert_eq!(parse("score.band != warm"), Ok(Filter::Not(Box::new(warm))));
}

#[test]
fn a_fault_is_told_with_its_place_what_is_there_and_what_should_be() {
    for (text, position, there, expected) in [
        ("", 0, "", ""),
        ("score >= eighty", 10, "eighty", "a whole number from 0 to 100"),
        ("score >= 101", 10, "101", "a whole number from 0 to 100"),
        ("score >=", 9, "", "a value"),
        ("score : 5", 7, ":", "one of = != < <= > >= after score"),
        ("stage > new", 7, ">", "one of = != after stage"),
        ("stage = sold", 9, "sold", "one of new, contacted"),
        ("stage:*", 6, ":", "one of = != after stage"),
        ("tags = hot", 6, "=", "one of : :* after tags"),
        ("phone:600", 6, ":", "one of = != :* after phone"),
        ("surprise = 1", 1, "surprise", "a field: id, contact.id, name"),
        ("Владимир = 1", 1, "Владимир", "a field: "),
        ("Владимир AND", 13, "", "a field such as score"),
        (
            "score > 5 and stage = new",
            11,
            "and",
            "AND, OR (in capitals) or the end",
        ),
        ("acme corp", 6, "corp", "AND, OR (in capitals) or the end"),
        ("(score > 5", 11, "", "AND, OR (in capitals) or )"),
        ("score > 5)", 10, ")", "AND, OR (in capitals) or the end"),
        ("AND score > 5", 1, "AND", "a field such as score"),
        ("NOT", 4, "", "a field such as score"),
        ("a AND \"b", 7, "\"b", "a text that ends with the same quote"),
        ("a ! b", 3, "! b", "!="),
        ("captured_at > yesterday", 15, "yesterday", "a time: "),
        (
            "captured_at > 2026-11-01T08:00:00Z",
            15,
            "2026-11-01T08",
            "a time: ",
        ),
        (
            "owner = \"\"",
            9,
            "\"\"",
            "a text; NOT owner:* finds leads without owner",
        ),
        ("email = ana", 9, "ana", "a whole email; this has no @"),
        (
            "id = contact_01h455vb4pex5vsknk084sn02q",
            6,
            "contact_01h455vb4pex5vsknk084sn02q",
            "an id: lead_",
        ),
        ("company:\"!\"", 9, "\"!\"", "letters or digits to search for"),
        ("attributes:'a\"b'", 12, "'a\"b'", "the key of an attribute"),
        (
            "owner = \"a\0b\"",
            11,
            "\0b\"",
            "a text without control characters",
        ),
        ("attributes = 1", 12, "=", ": and the key of an attribute"),
    ]
    .into_iter()
    .skip(1)
    {
        let (at, found, wanted) = fault(text);
        assert_eq!((at, found.as_str()), (position, there), "{text}: {wanted}");
        assert!(wanted.starts_with(expected), "{text}: {wanted}");
    }
    let told = parse("score >= eighty").unwrap_err().to_string();
    assert_eq!(
        told,
        "at character 10: found \"eighty\", expected a whole number from 0 to 100"
    );
    let told = parse("score >=").unwrap_err().to_string();
    assert!(
        told.starts_with("at character 9: it ends, expected a value"),
        "{told}"
    );
}

#[test]
fn length_depth_and_cost_are_bounded() {
    let long = format!("owner = \"{}\"", "x".repeat(5 * 1_024));
    assert_eq!(fault(&long).0, MAX_BYTES + 1);
    let nested = |depth: usize| format!("{}score > 5{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    for text in [
        nested(MAX_DEPTH + 1),
        nested(50),
        "NOT ".repeat(50) + "a",
        "-".repeat(50) + "a",
    ] {
        let (_, _, expected) = fault(&text);
        assert!(
            expected.starts_with("at most 20 parentheses"),
            "{text}: {expected}"
        );
    }
    let terms = |count: usize, term: &str| vec![term; count].join(" OR ");
    assert!(parse(&terms(MAX_COST, "score > 5")).is_ok());
    assert!(parse(&terms(25, "tags:a")).is_ok());
    for text in [
        terms(MAX_COST + 1, "score > 5"),
        terms(200, "score > 5"),
        terms(26, "tags:a"),
    ] {
        let (_, _, expected) = fault(&text);
        assert!(expected.starts_with("fewer terms"), "{expected}");
    }
    assert!(parse(&format!("\"{}\"", "w ".repeat(26))).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_at_a_place_within_it(text in "\\PC{0,60}") {
        if let Err(fault) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&fault.position));
        }
    }

    #[test]
    fn any_words_of_the_language_are_read_or_refused_at_a_place_within_them(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "score", "stage", "tags", "AND", "OR", "NOT", "(", ")", "=", ":", ">=", "\"", "new", "5", "-7d", "*", "-",
                "captured_at", "attributes.x", "company", "!", "'ü'",
            ]),
            0..14,
        ),
        between in proptest::sample::select(vec!["", " "]),
    ) {
        let text = words.join(between);
        if let Err(fault) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&fault.position), "{}", text);
        }
    }
}

//! What a literal means to a field of some kind.

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use type_safe_id::{DynamicType, TypeSafeId};

use super::{
    ast::{Value, When},
    field::{Field, Kind},
};
use crate::domain::search;

/// Farthest distance of a relative time.
const MAX_DISTANCE: TimeDelta = TimeDelta::days(36_500);

/// The literal as a value that the field is compared with.
///
/// # Errors
/// What is expected.
pub(super) fn value(field: &Field, text: &str) -> Result<Value, String> {
    match field.kind() {
        Kind::Number(max) => text
            .parse()
            .ok()
            .filter(|number| (0..=max).contains(number))
            .map(Value::Number)
            .ok_or_else(|| match max {
                i64::MAX => "a whole number from 0".to_owned(),
                max => format!("a whole number from 0 to {max}"),
            }),
        Kind::Time => time(text).map(Value::Time).ok_or_else(|| {
            "a time: \"2026-11-22T08:00:00Z\" in quotes, 2026-11-22 for the beginning of that day (UTC), or -7d for \
             7 days before now (s, m, h, d, w)"
                .to_owned()
        }),
        Kind::Word(words) | Kind::Words(words) => word(&words(), text).map(Value::Text),
        Kind::Text | Kind::Texts => some(field, text).map(Value::Text),
        Kind::Sealed => match field {
            Field::Person(part) => {
                let text = some(field, text)?;
                let whole = part.whole(&text).map_err(|problem| {
                    format!("a whole {}; this {problem}", part.name())
                })?;
                Ok(Value::Text(whole))
            }
            _ => Err("a word".to_owned()),
        },
        Kind::Id(prefix) => {
            let id = text.parse::<TypeSafeId<DynamicType>>().ok();
            id.filter(|id| id.type_prefix() == prefix)
                .map(|id| Value::Id(id.uuid()))
                .ok_or_else(|| format!("an id: {prefix}_ and 26 characters"))
        }
    }
}

/// The literal as a member of a set.
///
/// # Errors
/// What is expected.
pub(super) fn member(field: &Field, text: &str) -> Result<String, String> {
    match field.kind() {
        Kind::Words(words) => word(&words(), text),
        _ => some(field, text),
    }
}

/// The literal as words to be found.
///
/// # Errors
/// What is expected.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let words = search::words(text);
    if words.is_empty() {
        return Err("letters or digits to search for".to_owned());
    }
    Ok(words)
}

fn word(words: &[&str], text: &str) -> Result<String, String> {
    if words.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("one of {}", words.join(", ")))
    }
}

/// An empty text is no value: asking for it is a question of whether there is one.
fn some(field: &Field, text: &str) -> Result<String, String> {
    if !text.is_empty() {
        return Ok(text.to_owned());
    }
    if field.is_optional() {
        let name = field.name();
        return Err(format!("a text; NOT {name}:* finds leads without {name}"));
    }
    Err("a text".to_owned())
}

fn time(text: &str) -> Option<When> {
    if let Some(delta) = distance(text) {
        return Some(When::FromNow(delta));
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return (text.len() == 10).then(|| When::At(date.and_time(NaiveTime::MIN).and_utc()));
    }
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(When::At(at.with_timezone(&Utc).trunc_subsecs(6)))
}

/// `-7d`, and `+2h` for a time to come.
fn distance(text: &str) -> Option<TimeDelta> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let unit = rest.chars().next_back()?;
    let digits = rest.strip_suffix(unit)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let number = i64::from(number);
    let delta = match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        'w' => TimeDelta::try_weeks(number),
        _ => None,
    }?;
    (delta <= MAX_DISTANCE).then(|| delta * sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_days_or_distances() {
        let noon = |text: &str| match time(text) {
            Some(When::At(at)) => at.to_rfc3339(),
            other => format!("{other:?}"),
        };
        assert_eq!(noon("2026-11-22"), "2026-11-22T00:00:00+00:00");
        assert_eq!(
            noon("2026-11-22T08:00:00.1234567+01:00"),
            "2026-11-22T07:00:00.123456+00:00"
        );
        assert_eq!(time("-7d"), Some(When::FromNow(TimeDelta::days(-7))));
        assert_eq!(time("+2h"), Some(When::FromNow(TimeDelta::hours(2))));
        for text in [
            "",
            "7d",
            "-d",
            "-7",
            "-7y",
            "--7d",
            "-+7d",
            "-99999999999d",
            "-4000000000w",
            "2026-13-01",
            "2026-1-1",
            "yesterday",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}

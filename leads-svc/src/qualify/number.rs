//! Reads a figure at the head of a text: separators of every usual style, dates and clock times told apart.

use super::token::Kind;

/// The token that starts at the digit at the head of `rest`, and its length in bytes.
pub(crate) fn lex(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    if let Some(found) = date(bytes).or_else(|| clock(bytes)) {
        return found;
    }
    let (groups, len) = groups(rest);
    (Kind::Number(value(&groups)), len)
}

/// One run of digits and the separator in front of it.
struct Group<'a> {
    separator: char,
    digits: &'a str,
}

fn run(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).take_while(|b| b.is_ascii_digit()).count()
}

fn small(bytes: &[u8], at: usize, len: usize) -> u16 {
    bytes.iter().skip(at).take(len).fold(0u16, |sum, b| {
        sum.saturating_mul(10).saturating_add(u16::from(b - b'0'))
    })
}

/// `2025-03-12`, `12.03.2025`, `12.3.`, `3/12`, `3/12/25`.
fn date(bytes: &[u8]) -> Option<(Kind, usize)> {
    let first = run(bytes, 0);
    let separator = *bytes.get(first)?;
    if !matches!(separator, b'.' | b'/' | b'-') {
        return None;
    }
    let second = run(bytes, first + 1);
    let after = first + 1 + second;
    if !(1..=2).contains(&second) {
        return None;
    }
    let (a, b) = (small(bytes, 0, first), small(bytes, first + 1, second));
    let third = if bytes.get(after) == Some(&separator) {
        run(bytes, after + 1)
    } else {
        0
    };
    let c = small(bytes, after + 1, third);
    let plausible = |day: u16, month: u16| (1..=31).contains(&day) && (1..=12).contains(&month);
    match (first, third) {
        (4, 1..=2) if plausible(c, b) => Some((Kind::Date([a, b, c]), after + 1 + third)),
        (1..=2, 2 | 4) if plausible(a, b) || plausible(b, a) => {
            Some((Kind::Date([a, b, c]), after + 1 + third))
        }
        (1..=2, 0) if separator == b'.' && bytes.get(after) == Some(&b'.') && plausible(a, b) => {
            Some((Kind::Date([a, b, 0]), after + 1))
        }
        (1..=2, 0) if separator == b'/' && a == 24 && b == 7 => Some((Kind::Clock, after)),
        (1..=2, 0) if separator == b'/' && (plausible(a, b) || plausible(b, a)) => {
            Some((Kind::Date([a, b, 0]), after))
        }
        _ => None,
    }
}

/// `4:30`, `20h30`.
fn clock(bytes: &[u8]) -> Option<(Kind, usize)> {
    let first = run(bytes, 0);
    let second = run(bytes, first + 1);
    let timelike = matches!(bytes.get(first), Some(b':')) && second == 2
        || matches!(bytes.get(first), Some(b'h' | b'H'))
            && (second == 2 || !bytes.get(first + 1).is_some_and(u8::is_ascii_alphanumeric));
    (first <= 2 && timelike).then_some((Kind::Clock, first + 1 + second))
}

fn groups(rest: &str) -> (Vec<Group<'_>>, usize) {
    let bytes = rest.as_bytes();
    let first = run(bytes, 0);
    let mut list = vec![Group {
        separator: '\0',
        digits: rest.get(..first).unwrap_or(""),
    }];
    let mut at = first;
    while let Some(separator) = rest.get(at..).and_then(|tail| tail.chars().next()) {
        let start = at + separator.len_utf8();
        let digits = run(bytes, start);
        let head = list.first().map_or(0, |group| group.digits.len());
        let joins = match separator {
            '.' | ',' => digits > 0,
            '\'' | '’' => digits == 3,
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => {
                digits == 3 && head <= 3 && !glued_unit(bytes, start + 3)
            }
            _ => false,
        };
        if !joins || list.len() > 6 {
            break;
        }
        list.push(Group {
            separator,
            digits: rest.get(start..start + digits).unwrap_or(""),
        });
        at = start + digits;
    }
    (list, at)
}

/// Whether a letter follows at once (`12 300kWh` is one figure, `2 100k` is two).
fn glued_unit(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at), Some(b'k' | b'K' | b'm' | b'M'))
}

/// Joins groups: the last one is a decimal part unless it has the shape of a thousands group.
fn value(groups: &[Group<'_>]) -> f64 {
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
        return 0.0;
    };
    let mut whole = String::with_capacity(16);
    let mixed = groups.len() > 2
        && groups
            .get(1)
            .is_some_and(|second| second.separator != last.separator);
    let decimal = groups.len() > 1
        && matches!(last.separator, '.' | ',')
        && (mixed || last.digits.len() != 3 || (groups.len() == 2 && first.digits == "0"));
    let integers = groups.len() - usize::from(decimal);
    for group in groups.iter().take(integers) {
        whole.push_str(group.digits);
    }
    if decimal {
        whole.push('.');
        whole.push_str(last.digits);
    }
    whole.parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_every_style() {
        for (text, want) in [
            ("1,240.00", 1240.0),
            ("14.500,00", 14_500.0),
            ("1.500 €", 1500.0),
            ("2.400", 2400.0),
            ("17.5k", 17.5),
            ("7,8", 7.8),
            ("20 000 EUR", 20_000.0),
            ("5,00,000", 500_000.0),
            ("1'200", 1200.0),
            ("41\u{202f}000 €", 41_000.0),
            ("0.125", 0.125),
            ("1.234.567,5", 1_234_567.5),
            ("300", 300.0),
        ] {
            let Kind::Number(got) = lex(text).0 else {
                panic!("{text} is no number")
            };
            assert!((got - want).abs() < 1e-9, "{text}: {got}");
        }
    }

    #[test]
    fn dates_and_clock_times_are_no_figures() {
        assert_eq!(lex("15.04.2025 x").0, Kind::Date([15, 4, 2025]));
        assert_eq!(lex("2025-04-15").0, Kind::Date([2025, 4, 15]));
        assert_eq!(lex("15.4. geht").0, Kind::Date([15, 4, 0]));
        assert_eq!(lex("4/14").0, Kind::Date([4, 14, 0]));
        assert_eq!(lex("24/7").0, Kind::Clock);
        assert_eq!(lex("16:30").0, Kind::Clock);
        assert_eq!(lex("20h").0, Kind::Clock);
    }

    #[test]
    fn a_long_figure_does_not_overflow() {
        assert!(matches!(lex(&"9".repeat(400)).0, Kind::Number(_)));
        assert!(matches!(lex("99999999/99999999").0, Kind::Number(_)));
    }
}

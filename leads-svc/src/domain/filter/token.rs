//! A filter's text in tokens.

use std::ops::Range;

use winnow::{
    LocatingSlice, Parser, Result,
    combinator::{alt, delimited, repeat},
    error::EmptyError,
    token::{any, none_of, take_while},
};

use super::ast::Comparator;

/// One token and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `:`
    Has,
    Compares(Comparator),
    /// Without its quotes and escapes.
    Quoted(String),
    /// Anything else without spaces: names, numbers, words, AND, OR, NOT.
    Bare(String),
}

type Input<'a> = LocatingSlice<&'a str>;

/// The tokens of a text.
///
/// # Errors
/// Where something starts that is none, in bytes.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        spaces(&mut input).map_err(|_| 0_usize)?;
        if input.is_empty() {
            return Ok(tokens);
        }
        let start = text.len() - input.len();
        let (kind, at) = kind.with_span().parse_next(&mut input).map_err(|_| start)?;
        tokens.push(Token { kind, at });
    }
}

fn spaces<'a>(input: &mut Input<'a>) -> Result<&'a str, EmptyError> {
    take_while(0.., char::is_whitespace).parse_next(input)
}

fn kind(input: &mut Input<'_>) -> Result<Kind, EmptyError> {
    alt((
        '('.value(Kind::Open),
        ')'.value(Kind::Close),
        ':'.value(Kind::Has),
        comparator.map(Kind::Compares),
        quoted('"').map(Kind::Quoted),
        quoted('\'').map(Kind::Quoted),
        take_while(1.., is_bare).map(|bare: &str| Kind::Bare(bare.to_owned())),
    ))
    .parse_next(input)
}

fn comparator(input: &mut Input<'_>) -> Result<Comparator, EmptyError> {
    alt((
        "!=".value(Comparator::NotEqual),
        "<=".value(Comparator::LessOrEqual),
        ">=".value(Comparator::GreaterOrEqual),
        '='.value(Comparator::Equal),
        '<'.value(Comparator::Less),
        '>'.value(Comparator::Greater),
    ))
    .parse_next(input)
}

/// A text between quotes, in which a backslash stands before a quote or another backslash.
fn quoted<'a>(quote: char) -> impl Parser<Input<'a>, String, EmptyError> {
    let escaped = ('\\', any).verify_map(move |(_, letter): (char, char)| match letter {
        '\\' | '"' | '\'' => Some(letter),
        _ => None,
    });
    let inside = repeat(0.., alt((none_of(['\\', quote]), escaped)));
    delimited(quote, inside, quote)
}

fn is_bare(letter: char) -> bool {
    !letter.is_whitespace() && !"()\"'=<>!:,;".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn signs_need_no_spaces_around_them() {
        let bare = |text: &str| Kind::Bare(text.to_owned());
        assert_eq!(
            kinds("(score>=80)AND tags:hot"),
            [
                Kind::Open,
                bare("score"),
                Kind::Compares(Comparator::GreaterOrEqual),
                bare("80"),
                Kind::Close,
                bare("AND"),
                bare("tags"),
                Kind::Has,
                bare("hot"),
            ]
        );
    }

    #[test]
    fn quotes_of_both_kinds_hold_anything() {
        assert_eq!(
            kinds(r#""a \"b\" \\ (c) AND" 'it''s' "" 'владимир "x"'"#),
            [r#"a "b" \ (c) AND"#, "it", "s", "", "владимир \"x\""].map(|text| Kind::Quoted(text.to_owned()))
        );
    }

    #[test]
    fn what_is_no_token_is_told_by_its_place() {
        for (text, place) in [
            ("a = \"b", 4),
            ("a ! b", 2),
            (r#"a = "\n""#, 4),
            ("владимир ;", 17),
        ] {
            assert_eq!(tokens(text), Err(place), "{text}");
        }
    }
}

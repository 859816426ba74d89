//! Finds the concepts of a tokenised message.

use super::compile::{Atom, FIRST_OF_PAIR, Lexicon, SECOND_OF_PAIR, Step};
use super::concept::Concept;
use crate::qualify::token::{Kind, Tokens};

/// How many words a gap may skip.
const GAP: usize = 6;
/// The most atoms that one word can have: the word itself and its stems.
const MAX_ATOMS: usize = 8;

/// A concept at the tokens `first..last`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) concept: Concept,
    pub(crate) first: usize,
    /// One past the last token.
    pub(crate) last: usize,
    /// What the lexicon says behind `=`; 0 otherwise.
    pub(crate) value: f64,
}

/// The atoms of each token, and how often each language's function words occur.
#[derive(Debug, Default)]
pub(crate) struct Atoms {
    list: Vec<[Atom; MAX_ATOMS]>,
    /// Votes by `Lang as usize`.
    pub(crate) votes: [u16; 8],
}

impl Atoms {
    fn of(&self, token: usize) -> &[Atom] {
        let all = self.list.get(token).map_or(&[][..], |atoms| &atoms[..]);
        let len = all.iter().position(|atom| *atom == 0).unwrap_or(all.len());
        all.get(..len).unwrap_or(&[])
    }
}

/// Looks every word up.
pub(crate) fn atoms_of(lexicon: &Lexicon, tokens: &Tokens) -> Atoms {
    let mut atoms = Atoms {
        list: Vec::with_capacity(tokens.len()),
        votes: [0; 8],
    };
    for index in 0..tokens.len() {
        let word = tokens.word(index);
        let mut found = look_up(lexicon, word);
        if found.first() == Some(&0) && is_drawn_out(word) {
            found = look_up(lexicon, &shortened(word));
        }
        for atom in found.iter().take_while(|atom| **atom != 0) {
            let mask = lexicon.votes.get(*atom as usize).copied().unwrap_or(0);
            for (lang, votes) in atoms.votes.iter_mut().enumerate() {
                *votes = votes.saturating_add(u16::from(mask >> lang & 1));
            }
        }
        atoms.list.push(found);
    }
    atoms
}

fn look_up(lexicon: &Lexicon, word: &str) -> [Atom; MAX_ATOMS] {
    let mut found = [0; MAX_ATOMS];
    let mut slots = found.iter_mut();
    let mut at;
    let mut keep = |atom: Atom| {
        if atom != 0
            && let Some(slot) = slots.next()
        {
            *slot = atom;
        }
    };
    let mut bytes = word.bytes();
    let Some(first) = bytes.next() else { return found };
    at = lexicon.roots.get(first as usize).copied().unwrap_or(0) as usize;
    if at == 0 {
        return found;
    }
    keep(lexicon.nodes.get(at).map_or(0, |node| node.stem));
    for byte in bytes {
        let next = lexicon.nodes.get(at).and_then(|node| lexicon.step(*node, byte));
        let Some(child) = next else { return found };
        at = child as usize;
        keep(lexicon.nodes.get(at).map_or(0, |node| node.stem));
    }
    keep(lexicon.nodes.get(at).map_or(0, |node| node.exact));
    found
}

/// `sooo`, `fechouuu`.
fn is_drawn_out(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes
        .windows(3)
        .any(|three| matches!(three, [a, b, c] if a == b && b == c))
        || matches!(bytes, [.., a, b] if a == b && bytes.len() > 3)
}

fn shortened(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

/// Every concept that the active languages (a bit set of `Lang::bit`) see, by first token.
pub(crate) fn find_spans(lexicon: &Lexicon, tokens: &Tokens, atoms: &Atoms, active: u8) -> Vec<Span> {
    let mut spans = Vec::with_capacity(tokens.len());
    let mut keep = |pattern: u32, first: usize, known: usize| {
        let Some(pattern) = lexicon
            .patterns
            .get(pattern as usize)
            .filter(|p| p.lang & active != 0)
        else {
            return;
        };
        let rest = pattern.rest.get(known..).unwrap_or(&[]);
        if let Some(last) = follow(tokens, atoms, rest, first + 1 + known) {
            let span = Span {
                concept: pattern.concept,
                first,
                last,
                value: pattern.value,
            };
            if !spans.contains_recent(&span) {
                spans.push(span);
            }
        }
    };
    for first in 0..tokens.len() {
        for atom in atoms.of(first) {
            if lexicon
                .known
                .get(*atom as usize)
                .is_none_or(|known| known & active == 0)
            {
                continue;
            }
            for (lang, pattern) in lexicon.by_first.get(*atom as usize).into_iter().flatten() {
                if lang & active != 0 {
                    keep(*pattern, first, 0);
                }
            }
            if !lexicon.is_part(*atom, FIRST_OF_PAIR) {
                continue;
            }
            for next in atoms
                .of(first + 1)
                .iter()
                .filter(|next| lexicon.is_part(**next, SECOND_OF_PAIR))
            {
                lexicon
                    .pair(*atom, *next)
                    .for_each(|pattern| keep(pattern, first, 1));
            }
        }
    }
    drop_masked(&mut spans);
    spans
}

trait ContainsRecent {
    fn contains_recent(&self, span: &Span) -> bool;
}

impl ContainsRecent for Vec<Span> {
    /// The same concept from the same first token; the longer match is kept by the caller's order of lexicons.
    fn contains_recent(&self, span: &Span) -> bool {
        self.iter()
            .rev()
            .take_while(|other| other.first == span.first)
            .any(|other| other.concept == span.concept && other.last == span.last)
    }
}

/// Where the phrase ends when its remaining steps match from token `at`.
fn follow(tokens: &Tokens, atoms: &Atoms, steps: &[Step], at: usize) -> Option<usize> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(at);
    };
    let matches = |wanted: &[Atom]| atoms.of(at).iter().any(|atom| wanted.binary_search(atom).is_ok());
    match step {
        Step::Words(wanted) => {
            if matches(wanted) {
                follow(tokens, atoms, rest, at + 1)
            } else {
                None
            }
        }
        Step::Maybe(wanted) => {
            let taken = if matches(wanted) {
                follow(tokens, atoms, rest, at + 1)
            } else {
                None
            };
            taken.or_else(|| follow(tokens, atoms, rest, at))
        }
        Step::Figure => match tokens.get(at).map(|token| token.kind) {
            Some(Kind::Number(_)) => follow(tokens, atoms, rest, at + 1),
            Some(Kind::Currency(_)) => follow(tokens, atoms, steps, at + 1),
            _ => None,
        },
        Step::Gap => {
            for skip in 0..=GAP {
                if let Some(last) = follow(tokens, atoms, rest, at + skip) {
                    return Some(last);
                }
                if tokens
                    .get(at + skip)
                    .is_none_or(|token| token.kind.ends_sentence())
                {
                    return None;
                }
            }
            None
        }
    }
}

/// Removes what lies inside a mask, and a negation that is part of a longer fixed phrase.
fn drop_masked(spans: &mut Vec<Span>) {
    let masks: Vec<Span> = spans
        .iter()
        .filter(|span| span.concept == Concept::Mask)
        .copied()
        .collect();
    let negations: Vec<Span> = spans
        .iter()
        .filter(|span| span.concept == Concept::Neg)
        .copied()
        .collect();
    let covered = |span: &Span, cover: &Span| {
        cover.first <= span.first
            && span.last <= cover.last
            && span.last - span.first < cover.last - cover.first
    };
    let fixed: Vec<Span> = negations
        .into_iter()
        .filter(|neg| spans.iter().any(|cover| covered(neg, cover)))
        .collect();
    if masks.is_empty() && fixed.is_empty() {
        return;
    }
    spans.retain(|span| {
        let fixed_phrase = span.concept == Concept::Neg && fixed.contains(span);
        !fixed_phrase && !masks.iter().any(|mask| covered(span, mask))
    });
}

#[cfg(test)]
mod tests {
    use super::super::compile::Lang;
    use super::*;

    fn concepts(text: &str, lang: Lang) -> Vec<Concept> {
        let lexicon = Lexicon::get();
        let tokens = Tokens::read(text);
        let atoms = atoms_of(lexicon, &tokens);
        find_spans(lexicon, &tokens, &atoms, lang.bit() | Lang::Shared.bit())
            .into_iter()
            .map(|s| s.concept)
            .collect()
    }

    #[test]
    fn a_word_means_something_only_in_an_active_language() {
        assert!(concepts("nahi", Lang::Hi).contains(&Concept::Neg));
        assert!(!concepts("nahi", Lang::De).contains(&Concept::Neg));
    }

    #[test]
    fn drawn_out_words_are_found() {
        assert!(concepts("yesss", Lang::En).contains(&Concept::Yes));
    }

    #[test]
    fn a_gap_does_not_cross_a_sentence_end() {
        assert!(concepts("what would it cost", Lang::En).contains(&Concept::PriceQuestion));
        assert!(!concepts("what would it. cost is fine", Lang::En).contains(&Concept::PriceQuestion));
    }
}

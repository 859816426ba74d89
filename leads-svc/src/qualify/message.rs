//! A message as sentences, clauses and concepts.

use crate::domain::conversation::Role;

use super::evidence::Quote;
use super::lexicon::{Concept, ConceptSet, Span};
use super::token::{Kind, Tokens};

/// A run of tokens that belongs together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clause {
    /// First token.
    pub(crate) first: usize,
    /// One past the last token.
    pub(crate) last: usize,
    /// Which sentence of the message.
    pub(crate) sentence: usize,
    pub(crate) concepts: ConceptSet,
    /// The sentence ends in a question mark.
    pub(crate) question: bool,
    /// Below the line that closes a letter.
    pub(crate) signature: bool,
}

impl Clause {
    pub(crate) fn has(&self, concept: Concept) -> bool {
        self.concepts.has(concept)
    }

    pub(crate) fn any(&self, concepts: &[Concept]) -> bool {
        self.concepts.any(concepts)
    }
}

/// One message, read.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) index: usize,
    pub(crate) role: Role,
    pub(crate) text: &'a str,
    pub(crate) tokens: Tokens,
    pub(crate) spans: Vec<Span>,
    /// By token: the first span that starts there or behind.
    starts: Vec<u32>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) sentences: Vec<Clause>,
}

impl<'a> Message<'a> {
    /// Splits into sentences and clauses; a visitor's sentences that address the machine are dropped.
    pub(crate) fn new(index: usize, role: Role, text: &'a str, tokens: Tokens, spans: Vec<Span>) -> Self {
        let mut starts = Vec::with_capacity(tokens.len() + 1);
        let mut next = 0;
        for token in 0..=tokens.len() {
            while spans.get(next).is_some_and(|span: &Span| span.first < token) {
                next += 1;
            }
            starts.push(next as u32);
        }
        let mut message = Self {
            index,
            role,
            text,
            tokens,
            spans,
            starts,
            clauses: Vec::new(),
            sentences: Vec::new(),
        };
        message.split();
        if role == Role::Visitor {
            message.drop_injections();
            message.mark_signature();
        }
        message
    }

    /// Spans that start at one of the tokens `first..last`.
    pub(crate) fn spans_in(&self, first: usize, last: usize) -> impl Iterator<Item = &Span> + '_ {
        let from = self
            .starts
            .get(first)
            .map_or(self.spans.len(), |from| *from as usize);
        self.spans
            .get(from..)
            .unwrap_or(&[])
            .iter()
            .take_while(move |span| span.first < last)
    }

    /// The longest span of `concept` that starts at `token`.
    pub(crate) fn at(&self, token: usize, concept: Concept) -> Option<&Span> {
        self.spans_in(token, token + 1)
            .filter(|span| span.concept == concept)
            .max_by_key(|span| span.last)
    }

    /// The first span of `concept` in a clause or sentence.
    pub(crate) fn find(&self, clause: &Clause, concept: Concept) -> Option<&Span> {
        self.spans_in(clause.first, clause.last)
            .find(|span| span.concept == concept)
    }

    /// Whether a span of `concept` overlaps `token`.
    pub(crate) fn covers(&self, token: usize, concept: Concept) -> bool {
        self.spans_in(token.saturating_sub(6), token + 1)
            .any(|span| span.concept == concept && span.last > token)
    }

    /// The sentence that a clause belongs to.
    pub(crate) fn sentence(&self, clause: &Clause) -> Clause {
        self.sentences
            .iter()
            .find(|sentence| sentence.sentence == clause.sentence)
            .copied()
            .unwrap_or(*clause)
    }

    /// Words in `first..last`.
    pub(crate) fn words(&self, first: usize, last: usize) -> usize {
        (first..last)
            .filter(|token| !self.tokens.word(*token).is_empty())
            .count()
    }

    /// The quote of the tokens `first..last`, without leading and trailing separators.
    pub(crate) fn quote(&self, first: usize, last: usize) -> Option<Quote> {
        let solid = |token: &usize| {
            self.tokens.get(*token).is_some_and(|token| {
                !token.kind.ends_sentence() && !matches!(token.kind, Kind::Break | Kind::Sign('>' | '='))
            })
        };
        let first = (first..last).find(solid)?;
        let last = (first..last).rev().find(solid)?;
        let (start, end) = (
            self.tokens.get(first)?.start as usize,
            self.tokens.get(last)?.end as usize,
        );
        self.text.get(start..end).filter(|text| !text.is_empty())?;
        Some(Quote {
            message: self.index,
            start,
            end,
        })
    }

    /// The quote of a clause or sentence.
    pub(crate) fn quote_of(&self, clause: &Clause) -> Option<Quote> {
        self.quote(clause.first, clause.last)
    }

    fn split(&mut self) {
        let mut sentence = 0;
        let (mut first, mut sentence_first) = (0, 0);
        let mut clauses = Vec::with_capacity(8);
        let mut sentences = Vec::with_capacity(4);
        let len = self.tokens.len();
        for token in 0..len {
            let Some(kind) = self.tokens.get(token).map(|token| token.kind) else {
                continue;
            };
            if kind.ends_sentence() {
                let question = kind == Kind::Question;
                self.close(&mut clauses, first, token, sentence, question);
                self.close(&mut sentences, sentence_first, token, sentence, question);
                for clause in clauses
                    .iter_mut()
                    .rev()
                    .take_while(|clause| clause.sentence == sentence)
                {
                    clause.question = question;
                }
                sentence += 1;
                (first, sentence_first) = (token + 1, token + 1);
            } else if kind == Kind::Break || (token > first + 1 && self.at(token, Concept::But).is_some()) {
                self.close(&mut clauses, first, token, sentence, false);
                first = token + usize::from(kind == Kind::Break);
            }
        }
        self.close(&mut clauses, first, len, sentence, false);
        self.close(&mut sentences, sentence_first, len, sentence, false);
        (self.clauses, self.sentences) = (clauses, sentences);
    }

    fn close(&self, into: &mut Vec<Clause>, first: usize, last: usize, sentence: usize, question: bool) {
        if first >= last {
            return;
        }
        let mut concepts = ConceptSet::default();
        for span in self.spans_in(first, last) {
            concepts.add(span.concept);
        }
        into.push(Clause {
            first,
            last,
            sentence,
            concepts,
            question,
            signature: false,
        });
    }

    /// What tells the machine how to judge is no statement about the buyer: the sentence, and what follows it on the
    /// same line in the same tone, is not read at all.
    fn drop_injections(&mut self) {
        let mut dropped = Vec::new();
        let mut line_tainted = false;
        let mut previous_last = 0;
        for sentence in &self.sentences {
            let new_line = (previous_last..sentence.first).any(|token| {
                self.tokens
                    .get(token)
                    .is_some_and(|token| token.kind == Kind::Newline)
            });
            line_tainted &= !new_line;
            previous_last = sentence.last;
            let injected = sentence.has(Concept::Injection);
            let quoted = matches!(
                self.tokens.get(sentence.first).map(|t| t.kind),
                Some(Kind::Sign('>'))
            );
            if injected || quoted || (line_tainted && sentence.has(Concept::InjectionWord)) {
                dropped.push(sentence.sentence);
            }
            line_tainted |= injected;
        }
        if !dropped.is_empty() {
            self.clauses.retain(|clause| !dropped.contains(&clause.sentence));
            self.sentences
                .retain(|sentence| !dropped.contains(&sentence.sentence));
        }
    }

    fn mark_signature(&mut self) {
        let closing = self
            .sentences
            .iter()
            .skip(1)
            .find(|sentence| sentence.has(Concept::SignOff) && self.words(sentence.first, sentence.last) <= 5)
            .map(|sentence| sentence.last);
        if let Some(closing) = closing {
            for clause in self.clauses.iter_mut().chain(self.sentences.iter_mut()) {
                clause.signature = clause.first >= closing;
            }
        }
    }
}

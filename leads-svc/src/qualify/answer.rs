//! What a bot or agent asked before a visitor's message, and whether the visitor said yes or no to it.

use super::lexicon::{Concept, ConceptSet};
use super::message::Message;
use super::money::{self, Money};
use super::token::Kind;

/// The questions that a visitor's message follows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    concepts: ConceptSet,
    question: bool,
    /// A figure that the question named.
    pub(crate) figure: Option<Money>,
    /// How many of the period that the question named make a year.
    pub(crate) per: Option<f64>,
    /// The question asked how many people, seats or the like there are.
    pub(crate) count: bool,
}

impl Asked {
    /// Reads a bot's or agent's message: its questions, or all of it when it has none.
    pub(crate) fn read(message: &Message<'_>) -> Self {
        let questions = message.sentences.iter().any(|sentence| sentence.question);
        let mut asked = Self {
            question: questions,
            ..Self::default()
        };
        for sentence in message
            .sentences
            .iter()
            .filter(|sentence| sentence.question || !questions)
        {
            for span in message.spans_in(sentence.first, sentence.last) {
                asked.concepts.add(span.concept);
                if span.concept == Concept::Per {
                    asked.per = Some(span.value);
                }
            }
            if sentence.question {
                asked.figure = money::read(message, sentence)
                    .into_iter()
                    .find(|money| money.marked)
                    .or(asked.figure);
                asked.count |= sentence.has(Concept::People) && !sentence.has(Concept::AskBudget);
            }
        }
        asked
    }

    /// Whether there was a question at all, and not just a remark.
    pub(crate) fn is_question(&self) -> bool {
        self.question
    }

    pub(crate) fn budget(&self) -> bool {
        self.concepts.has(Concept::AskBudget) || self.figure.is_some()
    }

    /// Who decides, what the visitor's role is, whether they own it.
    pub(crate) fn authority(&self) -> bool {
        self.concepts
            .any(&[Concept::AskAuthority, Concept::AskOthers, Concept::AskOwner])
    }

    /// Whether somebody else is involved.
    pub(crate) fn others(&self) -> bool {
        self.concepts.has(Concept::AskOthers)
    }

    pub(crate) fn owner(&self) -> bool {
        self.concepts.has(Concept::AskOwner)
    }

    pub(crate) fn timing(&self) -> bool {
        self.concepts.has(Concept::AskTiming)
    }

    pub(crate) fn need(&self) -> bool {
        self.concepts.has(Concept::AskNeed)
    }

    /// Whether a higher amount than the named figure was asked for.
    pub(crate) fn above(&self) -> bool {
        self.concepts.has(Concept::AskAbove)
    }
}

/// Yes or no at the head of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polarity {
    Yes,
    No,
}

/// The first yes or no within the first few words.
pub(crate) fn polarity(message: &Message<'_>) -> Option<Polarity> {
    const HEAD: usize = 4;
    let start = message.clauses.first()?.first;
    let mut heads = message
        .spans_in(start, start + HEAD)
        .filter(|span| matches!(span.concept, Concept::Yes | Concept::No))
        .filter(|span| {
            !(start..span.first).any(|token| message.tokens.get(token).is_some_and(|t| t.kind == Kind::Stop))
        });
    let first = heads.next()?;
    let longest = message
        .spans_in(first.first, first.first + 1)
        .filter(|span| matches!(span.concept, Concept::Yes | Concept::No))
        .max_by_key(|span| (span.last, span.concept == Concept::No))?;
    Some(if longest.concept == Concept::Yes {
        Polarity::Yes
    } else {
        Polarity::No
    })
}

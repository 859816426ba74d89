//! Tells a buyer from the others who write: customers with a support case, applicants, vendors, students, strays.

use crate::domain::conversation::Role;
use crate::domain::icp::IdealCustomer;

use super::answer::{Asked, Polarity, polarity};
use super::evidence::Quote;
use super::lexicon::Concept;
use super::message::Message;
use super::token::Tokens;

/// What kind of conversation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// May buy; also everything that cannot be told.
    Buyer,
    /// A customer with a case.
    Support,
    /// Wants a job.
    Applicant,
    /// Wants to sell.
    Vendor,
    /// Collects facts for school or university.
    Student,
    /// Meant to write to somebody else.
    Stray,
    /// Tries the bot out.
    Tester,
}

/// The kind of a conversation and the words that show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) kind: Kind,
    pub(crate) quote: Option<Quote>,
}

impl Context {
    /// Whether what is said about money, dates and problems can concern a purchase.
    pub(crate) fn buys(self) -> bool {
        self.kind == Kind::Buyer
    }
}

/// How often each concept occurs in what the visitor said.
struct Counts<'m, 'a> {
    visitor: Vec<&'m Message<'a>>,
    words: usize,
}

impl Counts<'_, '_> {
    fn of(&self, concept: Concept) -> usize {
        let mut count = 0;
        for message in &self.visitor {
            let mut end = 0;
            for clause in &message.clauses {
                for span in message.spans_in(clause.first, clause.last) {
                    if span.concept == concept && span.first >= end {
                        count += 1;
                        end = span.last;
                    }
                }
            }
        }
        count
    }

    /// The clause that shows the kind best: the last answer to a question that has it, or else the first that has it.
    fn quote(&self, concepts: &[Concept]) -> Option<Quote> {
        let mut hits = self
            .visitor
            .iter()
            .flat_map(|message| message.clauses.iter().map(move |clause| (message, clause)))
            .filter(|(_, clause)| clause.any(concepts));
        let denied = hits
            .clone()
            .find(|(message, clause)| clause.has(Concept::NoNeed) || polarity(message) == Some(Polarity::No));
        let (message, clause) = denied.or_else(|| hits.next())?;
        message.quote_of(clause)
    }
}

/// Judges the whole conversation.
pub(crate) fn find(messages: &[Message<'_>], asked: &[Asked], product: &[bool]) -> Context {
    let visitor: Vec<_> = messages
        .iter()
        .filter(|message| message.role == Role::Visitor)
        .collect();
    let words = visitor
        .iter()
        .map(|message| message.words(0, message.tokens.len()))
        .sum();
    let counts = Counts { visitor, words };
    let kind = kind(&counts, asked, product.contains(&true));
    let concepts: &[Concept] = match kind {
        Kind::Buyer | Kind::Support => &[],
        Kind::Applicant => &[Concept::Job, Concept::NoNeed],
        Kind::Vendor => &[Concept::Vendor],
        Kind::Student => &[Concept::Homework, Concept::NoNeed],
        Kind::Stray => &[Concept::WrongPlace],
        Kind::Tester => &[Concept::NoNeed, Concept::Tester],
    };
    Context {
        kind,
        quote: counts.quote(concepts),
    }
}

fn kind(counts: &Counts<'_, '_>, asked: &[Asked], talks_product: bool) -> Kind {
    let of = |concept| counts.of(concept);
    let money = of(Concept::Funds) + of(Concept::PriceQuestion);
    let no_need = of(Concept::NoNeed) > 0;
    let sold = asked.iter().any(|asked| asked.budget());
    let (vendor, job, homework) = (of(Concept::Vendor), of(Concept::Job), of(Concept::Homework));
    if vendor >= 2 && vendor > of(Concept::Problem) {
        return Kind::Vendor;
    }
    if job >= 2 && (no_need || (money == 0 && of(Concept::Problem) <= 1))
        || job >= 1 && no_need && counts.words < 60
    {
        return Kind::Applicant;
    }
    let student = of(Concept::LowRole) > 0;
    if homework >= 2 || homework == 1 && (student || no_need) {
        return Kind::Student;
    }
    let (customer, support) = (of(Concept::Customer), of(Concept::Support));
    let grows = of(Concept::Expansion) > 0;
    if !grows && of(Concept::PriceQuestion) == 0 {
        let case = customer >= 1 && (support >= 1 || !talks_product && !sold);
        let outage = support >= 2 && money == 0 && !sold && of(Concept::Want) == 0;
        if case || outage || support >= 3 && money == 0 && !sold {
            return Kind::Support;
        }
    }
    if of(Concept::WrongPlace) > 0 && counts.words < 45 && money == 0 {
        return Kind::Stray;
    }
    if of(Concept::Tester) > 0 && (no_need || counts.words < 30) {
        return Kind::Tester;
    }
    Kind::Buyer
}

/// The words of each product term, folded and, where long enough, cut to a stem.
pub(crate) fn product_terms(icp: &IdealCustomer) -> Vec<Vec<String>> {
    icp.product_terms
        .iter()
        .map(|term| {
            let tokens = Tokens::read(term);
            (0..tokens.len())
                .map(|at| {
                    let word = tokens.word(at);
                    word.get(..word.len().saturating_sub(2))
                        .filter(|stem| stem.len() >= 4)
                        .unwrap_or(word)
                        .to_owned()
                })
                .collect()
        })
        .filter(|term: &Vec<String>| term.iter().any(|word| !word.is_empty()))
        .collect()
}

/// Whether a message names what the workspace sells: every word of a product term, one after the other.
pub(crate) fn names_product(message: &Message<'_>, terms: &[Vec<String>]) -> bool {
    let same = |want: &str, have: &str| have == want || want.len() >= 4 && have.starts_with(want);
    terms.iter().any(|term| {
        (0..message.tokens.len()).any(|at| {
            term.iter()
                .enumerate()
                .all(|(offset, want)| same(want, message.tokens.word(at + offset)))
        })
    })
}

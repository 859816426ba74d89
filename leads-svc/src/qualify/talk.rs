//! Reads a whole conversation once and hands it to each signal family.

use jiff::civil::Date;

use crate::domain::conversation::{Profile, Role};
use crate::domain::icp::IdealCustomer;

use super::answer::Asked;
use super::calendar::Calendar;
use super::context::{self, Context};
use super::evidence::{Conversation, Evidence};
use super::lexicon::{Concept, Lang, Lexicon, atoms_of, find_spans};
use super::message::{Clause, Message};
use super::token::{Kind, Tokens};
use super::{authority, budget, language, need, timing};

/// A conversation, read.
#[derive(Debug)]
pub(crate) struct Talk<'a> {
    pub(crate) messages: Vec<Message<'a>>,
    /// By message: the questions that a visitor's message follows.
    pub(crate) asked: Vec<Asked>,
    pub(crate) icp: &'a IdealCustomer,
    pub(crate) profile: Profile<'a>,
    pub(crate) calendar: Calendar,
    pub(crate) context: Context,
    /// By message: the visitor names what the workspace sells.
    product: Vec<bool>,
    /// Employees, seats, guests: what a price per head is multiplied by.
    pub(crate) heads: Option<f64>,
}

/// Reads a conversation and says what it proves.
///
/// Deterministic: the same input gives the same evidence, whatever the clock or the machine. The first call in a
/// process compiles the lexicons and takes longer.
pub fn qualify(input: &Conversation<'_>) -> Evidence {
    let talk = Talk::read(input);
    Evidence {
        budget: budget::find(&talk),
        authority: authority::find(&talk),
        need: need::find(&talk),
        timing: timing::find(&talk),
    }
}

impl<'a> Talk<'a> {
    fn read(input: &Conversation<'a>) -> Self {
        let lexicon = Lexicon::get();
        let read: Vec<_> = input
            .turns
            .iter()
            .map(|turn| {
                let tokens = Tokens::read(turn.text);
                let atoms = atoms_of(lexicon, &tokens);
                (tokens, atoms)
            })
            .collect();
        let mut all = [0u16; 8];
        for (turn, (_, atoms)) in input.turns.iter().zip(&read) {
            let weight = if turn.role == Role::Visitor { 2 } else { 1 };
            for (sum, votes) in all.iter_mut().zip(&atoms.votes) {
                *sum = sum.saturating_add(votes.saturating_mul(weight));
            }
        }
        let messages: Vec<_> = input
            .turns
            .iter()
            .zip(read)
            .enumerate()
            .map(|(index, (turn, (tokens, atoms)))| {
                let spans = find_spans(lexicon, &tokens, &atoms, language::active(&atoms.votes, &all));
                Message::new(index, turn.role, turn.text, tokens, spans)
            })
            .collect();
        let asked = questions(&messages);
        let english = all.get(Lang::En as usize).copied().unwrap_or(0);
        let calendar = calendar(
            input,
            &messages,
            english * 2 > all.iter().copied().max().unwrap_or(0),
        );
        let heads = heads(&messages, &asked);
        let terms = context::product_terms(input.icp);
        let product: Vec<bool> = messages
            .iter()
            .map(|message| message.role == Role::Visitor && context::names_product(message, &terms))
            .collect();
        let context = context::find(&messages, &asked, &product);
        Self {
            messages,
            asked,
            product,
            icp: input.icp,
            profile: input.profile,
            calendar,
            context,
            heads,
        }
    }

    /// Whether a visitor's message names what the workspace sells.
    pub(crate) fn names_product(&self, message: &Message<'_>) -> bool {
        self.product.get(message.index).copied().unwrap_or(false)
    }

    /// The visitor's messages with the questions that they follow.
    pub(crate) fn visitor(&self) -> impl DoubleEndedIterator<Item = (&Message<'a>, &Asked)> + Clone {
        self.messages
            .iter()
            .zip(&self.asked)
            .filter(|(message, _)| message.role == Role::Visitor)
    }
}

/// The questions of everything the other side said since the visitor's last run of messages.
fn questions(messages: &[Message<'_>]) -> Vec<Asked> {
    let mut current = Asked::default();
    messages
        .iter()
        .map(|message| {
            if message.role == Role::Visitor {
                current.clone()
            } else {
                current = Asked::read(message);
                Asked::default()
            }
        })
        .collect()
}

fn calendar(input: &Conversation<'_>, messages: &[Message<'_>], english: bool) -> Calendar {
    let today = input.offset.to_datetime(input.captured_at).date();
    let currency = input.icp.currency.as_deref().unwrap_or("USD");
    let mut calendar = Calendar {
        today,
        month_first: english && currency == "USD",
        fiscal: match currency {
            "INR" | "GBP" | "JPY" => (4, 1),
            "AUD" | "NZD" => (7, 1),
            _ => (1, 1),
        },
        fiscal_quarters: currency == "INR",
    };
    let declared = messages
        .iter()
        .filter(|message| message.role == Role::Visitor)
        .find_map(|message| {
            message
                .clauses
                .iter()
                .find_map(|clause| fiscal_start(message, clause, &calendar))
        });
    calendar.fiscal = declared.unwrap_or(calendar.fiscal);
    calendar
}

/// "Our year starts Feb 1", "year end is 31 March".
fn fiscal_start(message: &Message<'_>, clause: &Clause, calendar: &Calendar) -> Option<(i8, i8)> {
    let starts = message.find(clause, Concept::FiscalStart);
    let ends = message.find(clause, Concept::FiscalEnd);
    let said = starts.or(ends)?;
    let rest = Clause {
        first: said.last,
        ..*clause
    };
    let when = *super::date::read(message, &rest, calendar, None).first()?;
    let mut day: Date = calendar
        .today
        .checked_add(jiff::Span::new().days(when.days))
        .ok()?;
    if starts.is_none() {
        day = day.tomorrow().ok()?;
    }
    Some((day.month(), day.day()))
}

/// The first head count that the visitor gave.
fn heads(messages: &[Message<'_>], asked: &[Asked]) -> Option<f64> {
    let said = messages
        .iter()
        .zip(asked)
        .filter(|(message, _)| message.role == Role::Visitor);
    said.flat_map(|(message, asked)| {
        (0..message.tokens.len()).filter_map(move |token| {
            let Kind::Number(value) = message.tokens.get(token)?.kind else {
                return None;
            };
            let counted =
                asked.count || (token + 1..token + 3).any(|next| message.at(next, Concept::People).is_some());
            (counted && (2.0..1e6).contains(&value) && value.fract() == 0.0).then_some(value)
        })
    })
    .next()
}

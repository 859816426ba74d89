//! Figures with a currency, a scale, a range, a period or a unit: what was written, before asking whose it is.

use super::lexicon::Concept;
use super::message::{Clause, Message};
use super::token::Kind;

/// How far behind or before a figure its period and unit may stand, in tokens.
const REACH: usize = 4;

/// One figure that may be an amount of money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Money {
    /// Its tokens, period and unit included.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The amount, of a range its upper end.
    pub(crate) amount: f64,
    /// ISO 4217 number; 0 when not said, 1 for a dollar sign, which several countries use.
    pub(crate) currency: u16,
    /// A currency, a scale (`k`), a period or a unit is written: not just a number.
    pub(crate) marked: bool,
    /// A currency or a scale is written.
    pub(crate) priced: bool,
    /// A scale is written.
    pub(crate) scaled: bool,
    /// How many of the period make a year.
    pub(crate) per: Option<f64>,
    /// Per seat, head, plate …
    pub(crate) each: bool,
}

/// A dollar or peso sign.
pub(crate) const DOLLAR_SIGN: u16 = 1;

/// Every figure of a clause or sentence that can be money: no dates, percentages, head counts, durations.
pub(crate) fn read(message: &Message<'_>, clause: &Clause) -> Vec<Money> {
    let mut found = Vec::new();
    let mut token = clause.first;
    while token < clause.last {
        match amount(message, token, clause.last) {
            Some(mut money) => {
                if let Some(upper) = range_end(message, money.last, clause.last) {
                    join(&mut money, upper);
                }
                token = money.last.max(token + 1);
                if !is_something_else(message, &money) {
                    surround(message, clause, &mut money);
                    found.push(money);
                }
            }
            None => token += 1,
        }
    }
    found
}

/// A figure in digits or words at `token`, with currency and scale.
fn amount(message: &Message<'_>, token: usize, limit: usize) -> Option<Money> {
    let (mut value, mut at, in_digits) = match message.tokens.get(token)?.kind {
        Kind::Number(value) => (value, token + 1, true),
        Kind::Word => {
            message
                .at(token, Concept::Number)
                .or_else(|| message.at(token, Concept::Scale))?;
            let (value, at) = spelled(message, token, limit)?;
            (value, at, false)
        }
        Kind::Date(_)
        | Kind::Clock
        | Kind::Currency(_)
        | Kind::Percent
        | Kind::Stop
        | Kind::Question
        | Kind::Newline
        | Kind::Break
        | Kind::Sign(_) => return None,
    };
    let mut money = Money {
        first: token,
        last: at,
        amount: value,
        currency: 0,
        marked: false,
        priced: false,
        scaled: !in_digits && value >= 1000.0,
        per: None,
        each: false,
    };
    if in_digits {
        while let Some(scale) = scale_at(message, at).filter(|_| at < limit) {
            value *= scale.1;
            at = scale.0;
            money.scaled = true;
        }
    }
    if matches!(message.tokens.get(at).map(|t| t.kind), Some(Kind::Sign('+'))) {
        at += 1;
    }
    if let Some((next, currency)) = currency_at(message, at).filter(|_| at < limit) {
        (at, money.currency) = (next, currency);
    } else if let Some((first, currency)) = currency_before(message, token) {
        (money.first, money.currency) = (first, currency);
    }
    money.amount = value;
    money.last = at;
    money.priced = money.currency != 0 || money.scaled;
    money.marked = money.priced;
    (value.is_finite() && value >= 0.0).then_some(money)
}

/// A number in words: `twenty five thousand`, `dhai lakh`, `cento e vinte mil`.
fn spelled(message: &Message<'_>, token: usize, limit: usize) -> Option<(f64, usize)> {
    let (mut total, mut current, mut at, mut seen) = (0.0_f64, 0.0_f64, token, false);
    while at < limit {
        if let Some(scale) = message
            .at(at, Concept::Scale)
            .filter(|span| seen || span.value >= 1000.0)
        {
            if !seen && message.tokens.word(at).len() < 3 {
                break;
            }
            total += current.max(1.0) * scale.value;
            current = 0.0;
            at = scale.last;
        } else if let Some(number) = message.at(at, Concept::Number) {
            current = if number.value >= 100.0 && (1.0..100.0).contains(&current) {
                current * number.value
            } else {
                current + number.value
            };
            at = number.last;
        } else if seen
            && matches!(message.tokens.word(at), "and" | "und" | "e" | "y" | "et")
            && message
                .at(at + 1, Concept::Number)
                .is_some_and(|next| next.value < current.max(total))
        {
            at += 1;
            continue;
        } else {
            break;
        }
        seen = true;
    }
    let amount = total + current;
    (seen && amount >= 2.0).then_some((amount, at))
}

/// A scale word; a single letter counts only when it is glued to the figure, or is `k` or `L`.
fn scale_at(message: &Message<'_>, token: usize) -> Option<(usize, f64)> {
    let span = message.at(token, Concept::Scale)?;
    let word = message.tokens.word(token);
    let glued = message.tokens.get(token).is_some_and(|token| token.glued);
    (word.len() > 1 || glued || matches!(word, "k" | "l")).then_some((span.last, span.value))
}

fn currency_at(message: &Message<'_>, token: usize) -> Option<(usize, u16)> {
    if let Some(Kind::Currency(sign)) = message.tokens.get(token).map(|token| token.kind) {
        return Some((token + 1, sign_code(sign)));
    }
    message
        .at(token, Concept::Currency)
        .map(|span| (span.last, span.value as u16))
}

fn currency_before(message: &Message<'_>, token: usize) -> Option<(usize, u16)> {
    let before = token.checked_sub(1)?;
    if let Some(Kind::Currency(sign)) = message.tokens.get(before).map(|token| token.kind) {
        let prefix = before
            .checked_sub(1)
            .filter(|p| matches!(message.tokens.word(*p), "r" | "us" | "mx" | "a" | "c"));
        let reais = prefix.is_some_and(|p| message.tokens.word(p) == "r");
        return Some((
            prefix.unwrap_or(before),
            if reais { 986 } else { sign_code(sign) },
        ));
    }
    message
        .at(before, Concept::Currency)
        .map(|span| (span.first, span.value as u16))
}

fn sign_code(sign: char) -> u16 {
    match sign {
        '€' => 978,
        '£' => 826,
        '₹' => 356,
        '¥' => 392,
        _ => DOLLAR_SIGN,
    }
}

/// The second figure of `8-10`, `between 15 and 18`, `de 5 a 8`.
fn range_end(message: &Message<'_>, at: usize, limit: usize) -> Option<Money> {
    let token = message.tokens.get(at).filter(|_| at < limit)?;
    let joint = matches!(token.kind, Kind::Sign('-') | Kind::Break)
        && message
            .text
            .get(token.start as usize..token.end as usize)
            .is_some_and(|s| s.starts_with(['-', '–']))
        || matches!(
            message.tokens.word(at),
            "to" | "and" | "bis" | "und" | "a" | "y" | "o" | "e" | "et" | "se" | "or" | "oder" | "ou" | "ya"
        );
    let upper = amount(message, at + 1, limit).filter(|_| joint)?;
    Some(upper)
}

fn join(money: &mut Money, upper: Money) {
    let scale = if upper.scaled && !money.scaled && money.amount > 0.0 {
        upper.amount / money.amount
    } else {
        1.0
    };
    let plausible = upper.amount >= money.amount || scale > 1.0;
    if plausible {
        money.amount = upper.amount;
        money.last = upper.last;
        money.scaled |= upper.scaled;
        money.marked |= upper.marked;
        money.priced |= upper.priced;
        money.currency = if upper.currency == 0 {
            money.currency
        } else {
            upper.currency
        };
    }
}

/// Percentages, head counts, durations, ordinals, years and the like.
fn is_something_else(message: &Message<'_>, money: &Money) -> bool {
    let next = message.tokens.get(money.last);
    let next_is = |concept| message.at(money.last, concept).is_some();
    if matches!(next.map(|token| token.kind), Some(Kind::Percent | Kind::Date(_))) || next_is(Concept::People)
    {
        return true;
    }
    if money.currency != 0 {
        return false;
    }
    let plain = message
        .tokens
        .get(money.first)
        .is_some_and(|token| token.end - token.start == 4);
    let year = plain
        && (1900.0..2100.0).contains(&money.amount)
        && !money.scaled
        && !(money.last..money.last + 2).any(|at| message.at(at, Concept::Per).is_some());
    let dated = next_is(Concept::Month)
        || next_is(Concept::Ordinal) && next.is_some_and(|token| token.glued)
        || next_is(Concept::Span) && !money.scaled
        || next_is(Concept::Quarter)
        || money
            .first
            .checked_sub(1)
            .is_some_and(|before| message.at(before, Concept::Month).is_some());
    let metric = matches!(
        message.tokens.word(money.last),
        "m2" | "sqm"
            | "sq"
            | "qm"
            | "m"
            | "km"
            | "kg"
            | "kw"
            | "kwp"
            | "kwh"
            | "gb"
            | "tb"
            | "mb"
            | "ms"
            | "h"
            | "hours"
            | "min"
    ) && !money.scaled;
    year || dated || metric
}

/// Adds the period and the unit that stand around the figure.
fn surround(message: &Message<'_>, clause: &Clause, money: &mut Money) {
    let after = message.spans_in(money.last, (money.last + REACH).min(clause.last));
    let before = message.spans_in(money.first.saturating_sub(REACH).max(clause.first), money.first);
    let current = |first: usize| {
        first.checked_sub(1).is_some_and(|token| {
            message.at(token, Concept::This).is_some()
                || message.at(token, Concept::Next).is_some()
                || message.covers(token, Concept::Past)
                || message.at(token, Concept::By).is_some()
        })
    };
    let mut end = money.last;
    for span in after.chain(before) {
        match span.concept {
            Concept::Per if !(current(span.first) && span.last - span.first == 1) && span.value > 0.0 => {
                let tighter = money
                    .per
                    .is_none_or(|per| per < span.value && span.first <= end + 2);
                if tighter {
                    money.per = Some(span.value);
                    end = end.max(span.last);
                }
            }
            Concept::Unit => {
                money.each = true;
                end = end.max(span.last);
            }
            _ => {}
        }
    }
    money.last = end.min(clause.last).max(money.last);
    money.marked |= money.per.is_some() || money.each;
}

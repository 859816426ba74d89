//! Finds the dates and spans of time in a clause: absolute, relative, by holiday, season, quarter or fiscal year.

use jiff::ToSpan;
use jiff::civil::Date;

use super::calendar::{Calendar, Part};
use super::lexicon::{Concept, Span};
use super::message::{Clause, Message};
use super::token::Kind;

/// How sure the words are that a date is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A day, month, quarter or year.
    Date,
    /// A holiday or season: a date, but a plainer one beside it is the better quote.
    Event,
    /// A span of time with "in" or "from now".
    Span,
    /// A span of time without such a word: an answer, or a mere duration.
    Duration,
    /// "asap".
    Urgent,
    /// "now", "today", "tomorrow": a time only in the right sentence.
    Now,
    /// A day of the week.
    Weekday,
}

/// One date, in days from today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) days: i64,
    pub(crate) form: Form,
}

/// Words for months, seasons and ranks that mean something else as well: they need a word of time beside them.
const AMBIGUOUS: &[&str] = &[
    "may", "mar", "march", "set", "out", "sept", "mai", "ago", "abr", "jan", "dec", "oct", "sep", "avril",
    "mars",
];

/// Every date of a clause. `after` is a date named before, which sets the month of "the 12th".
pub(crate) fn read(
    message: &Message<'_>,
    clause: &Clause,
    calendar: &Calendar,
    after: Option<Date>,
) -> Vec<When> {
    let mut reader = Reader {
        message,
        clause,
        calendar,
        after,
    };
    let mut found: Vec<When> = Vec::new();
    let mut token = clause.first;
    while token < clause.last {
        match reader.at(token) {
            Some(when) => {
                if when.form == Form::Date {
                    reader.after = calendar.today.checked_add(when.days.days()).ok();
                }
                token = when.last.max(token + 1);
                found.push(when);
            }
            None => token += 1,
        }
    }
    found
}

pub(super) struct Reader<'m, 'a> {
    pub(super) message: &'m Message<'a>,
    pub(super) clause: &'m Clause,
    pub(super) calendar: &'m Calendar,
    after: Option<Date>,
}

impl Reader<'_, '_> {
    fn at(&self, token: usize) -> Option<When> {
        let figure = matches!(
            self.message.tokens.get(token)?.kind,
            Kind::Number(_) | Kind::Date(_)
        );
        if !figure && self.message.spans_in(token, token + 1).next().is_none() {
            return None;
        }
        self.numeric(token)
            .or_else(|| self.named_day(token))
            .or_else(|| self.quarter(token))
            .or_else(|| self.fiscal_year(token))
            .or_else(|| self.month(token))
            .or_else(|| self.season_or_holiday(token))
            .or_else(|| self.duration(token))
            .or_else(|| self.period(token))
            .or_else(|| self.year(token))
            .or_else(|| self.day_of_month(token))
            .or_else(|| self.weekday(token))
    }

    pub(super) fn span(&self, token: usize, concept: Concept) -> Option<&Span> {
        self.message
            .at(token, concept)
            .filter(|span| span.first < self.clause.last)
    }

    pub(super) fn number(&self, token: usize) -> Option<f64> {
        match self
            .message
            .tokens
            .get(token)
            .filter(|_| token < self.clause.last)?
            .kind
        {
            Kind::Number(value) => Some(value),
            _ => None,
        }
    }

    /// A span of `concept` that ends at `token`, or one or two joining words before it.
    pub(super) fn before(&self, token: usize, concept: Concept) -> Option<&Span> {
        let from = token.saturating_sub(5).max(self.clause.first);
        self.message
            .spans_in(from, token)
            .filter(|span| span.concept == concept)
            .find(|span| {
                span.last <= token
                    && (span.last..token).all(|between| {
                        [
                            Concept::Of,
                            Concept::This,
                            Concept::Our,
                            Concept::Mine,
                            Concept::Fiscal,
                        ]
                        .into_iter()
                        .any(|concept| self.span(between, concept).is_some())
                            || self.message.tokens.word(between).len() <= 2
                    })
            })
    }

    pub(super) fn day_from(&self, first: usize, last: usize, days: i64, form: Form) -> When {
        When {
            first,
            last,
            days,
            form,
        }
    }

    pub(super) fn on(&self, first: usize, last: usize, date: Option<Date>) -> Option<When> {
        Some(self.day_from(first, last, self.calendar.days_to(date?), Form::Date))
    }

    pub(super) fn event(&self, first: usize, last: usize, date: Option<Date>) -> Option<When> {
        self.on(first, last, date).map(|when| When {
            form: Form::Event,
            ..when
        })
    }

    /// "early", "mid", "end of" in front of (in Hindi: behind) a period.
    pub(super) fn part(&self, first: usize, last: usize) -> (Part, usize, usize) {
        for (concept, part) in [
            (Concept::Late, Part::End),
            (Concept::Middle, Part::Middle),
            (Concept::Early, Part::Start),
        ] {
            if let Some(span) = self.before(first, concept) {
                return (part, span.first, last);
            }
            let behind = (last..last + 2).find_map(|token| self.span(token, concept));
            if let Some(span) = behind.filter(|_| part != Part::Start) {
                return (part, first, span.last);
            }
        }
        (Part::Start, first, last)
    }

    /// A year behind the date: `2026`, `of next year`.
    pub(super) fn year_behind(&self, last: usize) -> (Option<i16>, usize) {
        for token in last..last + 3 {
            if let Some(year) = self.number(token).filter(|year| (2020.0..2060.0).contains(year)) {
                return (Some(year as i16), token + 1);
            }
            let next = self.span(token, Concept::Next);
            let year = |at: usize| self.span(at, Concept::Span).filter(|span| span.value == 365.0);
            if let Some(span) = next.and_then(|next| year(next.last)) {
                return (Some(self.calendar.today.year() + 1), span.last);
            }
            let other = year(token).and_then(|span| self.span(span.last, Concept::Next));
            if let Some(span) = other {
                return (Some(self.calendar.today.year() + 1), span.last);
            }
            let joins = self.span(token, Concept::Of).is_some() || self.message.tokens.word(token).len() <= 2;
            if !joins {
                break;
            }
        }
        (None, last)
    }

    fn numeric(&self, token: usize) -> Option<When> {
        let Kind::Date([a, b, c]) = self.message.tokens.get(token)?.kind else {
            return None;
        };
        let small = |value: u16| i8::try_from(value).ok();
        let (year, month, day) = if a > 31 {
            (Some(i16::try_from(a).ok()?), small(b)?, small(c)?)
        } else {
            let year = match c {
                0 => None,
                1..=99 => Some(2000 + i16::try_from(c).ok()?),
                _ => Some(i16::try_from(c).ok()?),
            };
            let slash = self.message.tokens.get(token).is_some_and(|t| {
                self.message
                    .text
                    .get(t.start as usize..t.end as usize)
                    .is_some_and(|s| s.contains('/'))
            });
            let month_first = (slash && self.calendar.month_first && a <= 12) || b > 12;
            if month_first {
                (year, small(a)?, small(b)?)
            } else {
                (year, small(b)?, small(a)?)
            }
        };
        self.on(token, token + 1, self.calendar.day(month, day, year))
    }

    fn named_day(&self, token: usize) -> Option<When> {
        let span = self.span(token, Concept::Immediate)?;
        if self.message.covers(token, Concept::NoRush) || span.value < 0.0 {
            return None;
        }
        let weak = span.last - span.first == 1
            && !self.message.tokens.word(token).starts_with("urgen")
            && !matches!(
                self.message.tokens.word(token),
                "asap"
                    | "dringend"
                    | "eilig"
                    | "eilt"
                    | "schnellstmoglich"
                    | "baldmoglichst"
                    | "turant"
                    | "fatafat"
                    | "immediately"
                    | "pronto"
                    | "umgehend"
                    | "urge"
                    | "inmediatamente"
                    | "imediatamente"
                    | "immediatement"
                    | "sofort"
                    | "inmediato"
                    | "imediato"
                    | "immediat"
            );
        Some(self.day_from(
            token,
            span.last,
            span.value as i64,
            if weak { Form::Now } else { Form::Urgent },
        ))
    }

    fn month(&self, token: usize) -> Option<When> {
        let span = self
            .span(token, Concept::Month)
            .filter(|span| span.value >= 1.0)?;
        let month = span.value as i8;
        let (day, mut first) = self.day_before(token);
        let (day, mut last) = match day {
            Some(day) => (Some(day), span.last),
            None => self.day_behind(span.last),
        };
        let (year, end) = self.year_behind(last);
        last = end;
        let supported = day.is_some()
            || year.is_some()
            || [
                Concept::By,
                Concept::In,
                Concept::Next,
                Concept::This,
                Concept::Early,
                Concept::Middle,
                Concept::Late,
                Concept::DayOf,
            ]
            .into_iter()
            .any(|concept| self.before(token, concept).is_some())
            || self.span(span.last, Concept::By).is_some()
            || self.span(span.last, Concept::Next).is_some()
            || token == self.clause.first && self.clause.last <= span.last + 2;
        if !supported && AMBIGUOUS.contains(&self.message.tokens.word(token)) {
            return None;
        }
        if let Some(day) = day {
            return self.on(first, last, self.calendar.day(month, day, year));
        }
        let part;
        (part, first, last) = self.part(token, last);
        self.on(first, last, self.calendar.month(month, year, part))
    }

    /// `14`, `14th of`, `1º de` in front of a month.
    fn day_before(&self, month: usize) -> (Option<i8>, usize) {
        let mut at = month;
        for _ in 0..3 {
            let Some(before) = at.checked_sub(1).filter(|before| *before >= self.clause.first) else {
                break;
            };
            if let Some(day) = self.number(before) {
                let valid = (1.0..=31.0).contains(&day) && day.fract() == 0.0;
                return if valid {
                    (Some(day as i8), before)
                } else {
                    (None, month)
                };
            }
            let joins =
                self.span(before, Concept::Of).is_some() || self.span(before, Concept::Ordinal).is_some();
            if !joins {
                break;
            }
            at = before;
        }
        (None, month)
    }

    /// `April 14`, `May 3rd`.
    fn day_behind(&self, last: usize) -> (Option<i8>, usize) {
        let at = last + usize::from(self.message.tokens.word(last) == "the");
        let Some(day) = self
            .number(at)
            .filter(|day| (1.0..=31.0).contains(day) && day.fract() == 0.0)
        else {
            return (None, last);
        };
        let ordinal = self.span(at + 1, Concept::Ordinal).is_some();
        let counted = [Concept::People, Concept::Span, Concept::Scale, Concept::Currency]
            .into_iter()
            .any(|concept| self.span(at + 1, concept).is_some());
        if counted {
            (None, last)
        } else {
            (Some(day as i8), at + 1 + usize::from(ordinal))
        }
    }

    /// `the 28th`, `am 15.`, `el día 3`, `20 tareekh`.
    fn day_of_month(&self, token: usize) -> Option<When> {
        let day = self
            .number(token)
            .filter(|day| (1.0..=31.0).contains(day) && day.fract() == 0.0)?;
        let ordinal = self.message.tokens.get(token + 1).is_some_and(|next| next.glued)
            && matches!(self.message.tokens.word(token + 1), "th" | "st" | "nd" | "rd");
        let behind = self
            .span(token + 1, Concept::DayOf)
            .filter(|_| matches!(self.message.tokens.word(token + 1), "tareekh" | "tarikh"));
        let lead = self
            .before(token, Concept::DayOf)
            .filter(|lead| lead.last == token);
        let open = token + 1 >= self.clause.last
            || self.span(token + 1, Concept::By).is_some()
            || self.span(token + 1, Concept::But).is_some();
        if !ordinal && behind.is_none() && !(lead.is_some() && open) {
            return None;
        }
        let last = token + 1 + usize::from(ordinal || behind.is_some());
        if (last..last + 2).any(|at| self.span(at, Concept::Month).is_some()) {
            return None;
        }
        let first = lead.map_or(token, |lead| lead.first);
        self.on(first, last, self.calendar.day_of_month(day as i8, self.after))
    }

    fn weekday(&self, token: usize) -> Option<When> {
        let span = self.span(token, Concept::Weekday)?;
        Some(self.day_from(token, span.last, 7, Form::Weekday))
    }
}

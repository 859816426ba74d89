//! Dates that are periods: quarters, fiscal years, seasons, holidays, "next month", "in three weeks", a year.

use super::calendar::Part;
use super::date::{Form, Reader, When};
use super::lexicon::Concept;
use super::token::Kind;

impl Reader<'_, '_> {
    pub(super) fn quarter(&self, token: usize) -> Option<When> {
        let (value, last) = if let Some(span) = self.span(token, Concept::Quarter) {
            (span.value as i8, span.last)
        } else {
            let value = self
                .number(token)
                .filter(|value| (1.0..=4.0).contains(value) && value.fract() == 0.0)?;
            let at = token + 1 + usize::from(self.span(token + 1, Concept::Ordinal).is_some());
            let unit = self.span(at, Concept::Span).filter(|span| span.value == 91.0)?;
            (value as i8, unit.last)
        };
        if value == 0 {
            return self.on(token, last, self.calendar.period(91, 1, Part::Start));
        }
        let (year, end) = self.year_behind(last);
        let (part, first, last) = self.part(token, end);
        let sentence = self.message.sentence(self.clause);
        self.on(
            first,
            last,
            self.calendar
                .quarter(value, year, sentence.has(Concept::Fiscal), part),
        )
    }

    pub(super) fn fiscal_year(&self, token: usize) -> Option<When> {
        let next = self.span(token, Concept::Next)?;
        let fiscal = (next.last..next.last + 2).find_map(|at| self.span(at, Concept::Fiscal))?;
        self.on(token, fiscal.last, self.calendar.next_fiscal_year())
    }

    pub(super) fn season_or_holiday(&self, token: usize) -> Option<When> {
        if let Some(span) = self.span(token, Concept::Holiday) {
            let (year, last) = self.year_behind(span.last);
            return self.event(token, last, self.calendar.holiday(span.value as u8, year));
        }
        let span = self.span(token, Concept::Season)?;
        if span.value > 12.0 {
            return self.event(token, span.last, self.calendar.holiday(span.value as u8, None));
        }
        let (year, last) = self.year_behind(span.last);
        let supported = year.is_some()
            || [
                Concept::By,
                Concept::In,
                Concept::Next,
                Concept::This,
                Concept::Early,
                Concept::Middle,
                Concept::Late,
                Concept::Of,
            ]
            .into_iter()
            .any(|concept| self.before(token, concept).is_some())
            || self.span(last, Concept::Next).is_some()
            || self.clause.last - self.clause.first <= 3;
        let (part, first, last) = self.part(token, last);
        supported.then_some(())?;
        self.event(first, last, self.calendar.season(span.value as i8, year, part))
    }

    /// `in three weeks`, `6-8 weeks`, `do mahine baad`.
    pub(super) fn duration(&self, token: usize) -> Option<When> {
        let (amount, mut at) = match self.number(token) {
            Some(amount) => (amount, token + 1),
            None => self
                .span(token, Concept::Number)
                .map(|span| (span.value, span.last))?,
        };
        let mut amount = amount;
        let joint = matches!(self.message.tokens.get(at).map(|t| t.kind), Some(Kind::Sign('-')))
            || matches!(
                self.message.tokens.word(at),
                "to" | "or" | "bis" | "oder" | "a" | "o" | "ou" | "ya" | "e"
            );
        let second = || {
            self.number(at + 1).map(|v| (v, at + 2)).or_else(|| {
                self.span(at + 1, Concept::Number)
                    .map(|span| (span.value, span.last))
            })
        };
        if let Some((upper, end)) = second().filter(|_| joint) {
            (amount, at) = (upper, end);
        }
        let unit = self.span(at, Concept::Span).filter(|span| span.value > 0.0)?;
        let days = (amount * unit.value).clamp(0.0, 36_500.0) as i64;
        let lead = self.before(token, Concept::In);
        let trail = self.span(unit.last, Concept::After);
        let past = self
            .message
            .spans_in(self.clause.first, self.clause.last)
            .any(|span| span.concept == Concept::Past && span.first <= unit.last && span.last + 1 >= token);
        if past || (lead.is_none() && amount <= 1.0 && self.number(token).is_none()) {
            return None;
        }
        let form = if lead.is_some() || trail.is_some() {
            Form::Span
        } else {
            Form::Duration
        };
        let first = lead.map_or(token, |span| span.first);
        Some(self.day_from(first, trail.map_or(unit.last, |span| span.last), days, form))
    }

    /// `next month`, `la semana que viene`, `end of the year`, `Monatsende`.
    pub(super) fn period(&self, token: usize) -> Option<When> {
        if let Some(late) = self.span(token, Concept::Late).filter(|span| span.value > 0.0) {
            return self.on(
                token,
                late.last,
                self.calendar.period(late.value as i64, 0, Part::End),
            );
        }
        if matches!(self.message.tokens.word(token), "eoy") {
            return self.on(token, token + 1, self.calendar.period(365, 0, Part::End));
        }
        let unit = self.span(token, Concept::Span)?;
        let next = self
            .before(token, Concept::Next)
            .or_else(|| self.span(unit.last, Concept::Next));
        let this = self
            .before(token, Concept::This)
            .or_else(|| self.span(unit.last, Concept::This));
        let (part, first, last) = self.part(token, unit.last);
        let first = [next, this]
            .into_iter()
            .flatten()
            .map(|span| span.first)
            .chain([first])
            .min()?;
        let last = [next, this]
            .into_iter()
            .flatten()
            .map(|span| span.last)
            .chain([last])
            .max()?;
        let partial = (first < token || last > unit.last) && part != Part::Start;
        let days = unit.value as i64;
        if next.is_some() {
            return self.on(first, last, self.calendar.period(days, 1, part));
        }
        if partial {
            return self.on(first, last, self.calendar.period(days, 0, part));
        }
        let this = this.filter(|this| this.last - this.first < 3)?;
        let negated = this
            .first
            .checked_sub(1)
            .is_some_and(|at| self.span(at, Concept::Neg).is_some());
        if negated || days == 1 {
            return None;
        }
        let end = self.calendar.days_to(self.calendar.period(days, 0, Part::End)?);
        Some(self.day_from(
            first,
            last,
            if days <= 31 { end.min(days) } else { end / 2 },
            Form::Date,
        ))
    }

    /// `2027` behind a word of time.
    pub(super) fn year(&self, token: usize) -> Option<When> {
        let year = self
            .number(token)
            .filter(|year| (2020.0..2060.0).contains(year))? as i16;
        let (part, first, last) = self.part(token, token + 1);
        let lead = self
            .before(token, Concept::By)
            .or_else(|| self.before(token, Concept::In));
        if lead.is_none() && first == token {
            return None;
        }
        let ahead = i64::from(year) - i64::from(self.calendar.today.year());
        if ahead < 0 || ahead == 0 && first == token {
            return None;
        }
        self.on(first, last, self.calendar.period(365, ahead, part))
    }
}

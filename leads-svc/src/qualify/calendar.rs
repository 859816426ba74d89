//! Dates that people name without a number: holidays, seasons, quarters, fiscal years, "the 15th".

use jiff::ToSpan;
use jiff::civil::{Date, date};

/// What relative dates are judged from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    /// The visitor's day.
    pub(crate) today: Date,
    /// `3/4` is the fourth of March.
    pub(crate) month_first: bool,
    /// Month and day on which their fiscal year starts.
    pub(crate) fiscal: (i8, i8),
    /// A bare "Q1" means the fiscal one.
    pub(crate) fiscal_quarters: bool,
}

/// Which part of a period is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Start,
    Middle,
    End,
}

type MonthDay = (i8, i8);

/// Festivals that follow the moon, from the published calendars: year, Ramadan, Holi, Diwali (month, day).
const LUNAR: &[(i16, MonthDay, MonthDay, MonthDay)] = &[
    (2024, (3, 11), (3, 25), (11, 1)),
    (2025, (3, 1), (3, 14), (10, 20)),
    (2026, (2, 18), (3, 4), (11, 8)),
    (2027, (2, 8), (3, 22), (10, 29)),
    (2028, (1, 28), (3, 11), (10, 17)),
    (2029, (1, 16), (3, 1), (11, 5)),
    (2030, (1, 6), (3, 20), (10, 26)),
];

/// Holidays on a fixed day, by the number that the lexicons give them.
const FIXED: &[(u8, (i8, i8))] = &[
    (1, (12, 24)),
    (5, (12, 31)),
    (6, (1, 1)),
    (7, (11, 26)),
    (8, (11, 27)),
    (9, (10, 31)),
    (10, (7, 1)),
    (13, (6, 1)),
    (14, (9, 1)),
    (15, (2, 14)),
    (16, (5, 10)),
    (17, (9, 1)),
    (18, (5, 25)),
    (19, (7, 4)),
    (23, (10, 5)),
    (24, (4, 1)),
    (25, (9, 20)),
    (26, (12, 6)),
    (27, (1, 6)),
    (28, (3, 15)),
    (29, (4, 20)),
    (30, (9, 16)),
    (31, (12, 6)),
    (32, (7, 6)),
    (33, (9, 1)),
    (34, (11, 1)),
    (35, (7, 14)),
    (36, (6, 24)),
    (37, (2, 1)),
    (38, (7, 1)),
    (39, (8, 10)),
    (42, (9, 1)),
    (43, (8, 9)),
    (44, (1, 14)),
    (45, (9, 5)),
    (46, (4, 1)),
    (47, (11, 15)),
    (48, (4, 13)),
    (49, (8, 15)),
    (50, (1, 26)),
    (51, (3, 15)),
];

impl Calendar {
    /// Days from today, negative in the past.
    pub(crate) fn days_to(&self, date: Date) -> i64 {
        self.today
            .until(date)
            .map_or(0, |span| i64::from(span.get_days()))
    }

    /// A day and month, next year when it has gone by this year (by more than a week).
    pub(crate) fn day(&self, month: i8, day: i8, year: Option<i16>) -> Option<Date> {
        let at = |year| Date::new(year, month, day.min(days_in(year, month)));
        if let Some(year) = year {
            return at(year).ok();
        }
        let this = at(self.today.year()).ok()?;
        if self.days_to(this) < -7 {
            at(self.today.year() + 1).ok()
        } else {
            Some(this)
        }
    }

    /// A part of a month; a month that is over means next year's.
    pub(crate) fn month(&self, month: i8, year: Option<i16>, part: Part) -> Option<Date> {
        let this = self.today.year();
        let year = year.unwrap_or(if month < self.today.month() {
            this + 1
        } else {
            this
        });
        let day = match part {
            Part::Start => 1,
            Part::Middle => 15,
            Part::End => days_in(year, month),
        };
        Date::new(year, month, day).ok()
    }

    /// The next day of the month with this number; `after` is a date that set the month.
    pub(crate) fn day_of_month(&self, day: i8, after: Option<Date>) -> Option<Date> {
        let from = after.unwrap_or(self.today);
        let this = Date::new(
            from.year(),
            from.month(),
            day.min(days_in(from.year(), from.month())),
        )
        .ok()?;
        if this < from {
            this.checked_add(1.month()).ok()
        } else {
            Some(this)
        }
    }

    /// A season, by the month it begins in (northern hemisphere).
    pub(crate) fn season(&self, month: i8, year: Option<i16>, part: Part) -> Option<Date> {
        let start = self.month(month, year, Part::Start)?;
        let back = start.checked_sub(1.year()).ok().filter(|_| year.is_none());
        let running = back.filter(|b| b.checked_add(3.months()).is_ok_and(|end| end > self.today));
        let start = if part == Part::End {
            running.unwrap_or(start)
        } else {
            start
        };
        shift(start, 3, part)
    }

    /// A quarter of the calendar year or of the fiscal year.
    pub(crate) fn quarter(&self, quarter: i8, year: Option<i16>, fiscal: bool, part: Part) -> Option<Date> {
        let (month, day) = if fiscal || self.fiscal_quarters {
            self.fiscal
        } else {
            (1, 1)
        };
        let first = |year: i16| {
            Date::new(year, month, day)
                .ok()?
                .checked_add((i64::from(quarter.clamp(1, 4) - 1) * 3).months())
                .ok()
        };
        let over = |start: Date| start.checked_add(3.months()).is_ok_and(|end| end <= self.today);
        let start = match year {
            Some(year) => first(year)?,
            None => (-1..=1)
                .filter_map(|offset| first(self.today.year() + offset))
                .find(|start| !over(*start))?,
        };
        shift(start, 3, part)
    }

    /// The first day of the next fiscal year.
    pub(crate) fn next_fiscal_year(&self) -> Option<Date> {
        let (month, day) = self.fiscal;
        let this = Date::new(self.today.year(), month, day).ok()?;
        if this > self.today {
            Some(this)
        } else {
            Date::new(self.today.year() + 1, month, day).ok()
        }
    }

    /// The next occurrence of a holiday, by its number in the lexicons.
    pub(crate) fn holiday(&self, id: u8, year: Option<i16>) -> Option<Date> {
        if let Some(year) = year {
            return holiday_in(id, year);
        }
        let this = holiday_in(id, self.today.year()).filter(|date| self.days_to(*date) >= -3);
        this.or_else(|| holiday_in(id, self.today.year() + 1))
    }

    /// Start, middle or end of the period of `days` days (7, 30, 91, 182, 365) that lies `ahead` periods off.
    pub(crate) fn period(&self, days: i64, ahead: i64, part: Part) -> Option<Date> {
        let month_start = self.today.first_of_month();
        let quarter_start = Date::new(self.today.year(), (self.today.month() - 1) / 3 * 3 + 1, 1).ok()?;
        let half_start = Date::new(self.today.year(), (self.today.month() - 1) / 6 * 6 + 1, 1).ok()?;
        let year_start = date(self.today.year(), 1, 1);
        match days {
            28..=31 => shift(month_start.checked_add(ahead.months()).ok()?, 1, part),
            90..=120 => shift(quarter_start.checked_add((ahead * 3).months()).ok()?, 3, part),
            180..=184 => shift(half_start.checked_add((ahead * 6).months()).ok()?, 6, part),
            365 => shift(year_start.checked_add(ahead.years()).ok()?, 12, part),
            _ => self
                .today
                .checked_add((days.saturating_mul(ahead.max(1)).min(3650)).days())
                .ok(),
        }
    }
}

/// Start, middle or last day of the `months` months from `start`.
fn shift(start: Date, months: i64, part: Part) -> Option<Date> {
    match part {
        Part::Start => Some(start),
        Part::Middle => start.checked_add((months * 15).days()).ok(),
        Part::End => start.checked_add(months.months()).ok()?.checked_sub(1.day()).ok(),
    }
}

fn days_in(year: i16, month: i8) -> i8 {
    Date::new(year, month.clamp(1, 12), 1).map_or(28, |date| date.days_in_month())
}

fn holiday_in(id: u8, year: i16) -> Option<Date> {
    let lunar = || LUNAR.iter().find(|row| row.0 == year);
    let on = |(month, day): (i8, i8)| Date::new(year, month, day).ok();
    let off = |date: Option<Date>, days: i64| date?.checked_add(days.days()).ok();
    match id {
        2 => off(easter(year), -47),
        3 => easter(year),
        22 => off(easter(year), 49),
        11 => on(lunar()?.3),
        12 => on(lunar()?.2),
        20 => on(lunar()?.1),
        21 => off(on(lunar()?.1), 30),
        40 => off(on(lunar()?.3), -19),
        41 => off(on(lunar()?.3), -28),
        _ => on(FIXED.iter().find(|row| row.0 == id)?.1),
    }
}

/// Western Easter Sunday (the Gregorian computus of Meeus, Jones and Butcher).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(today: Date) -> Calendar {
        Calendar {
            today,
            month_first: false,
            fiscal: (4, 1),
            fiscal_quarters: false,
        }
    }

    #[test]
    fn easter_and_what_hangs_on_it() {
        assert_eq!(easter(2025), Some(date(2025, 4, 20)));
        assert_eq!(easter(2026), Some(date(2026, 4, 5)));
        assert_eq!(
            calendar(date(2025, 1, 10)).holiday(2, None),
            Some(date(2025, 3, 4))
        );
        assert_eq!(
            calendar(date(2025, 11, 24)).holiday(2, None),
            Some(date(2026, 2, 17))
        );
    }

    #[test]
    fn a_month_that_is_over_is_next_years() {
        let calendar = calendar(date(2025, 10, 13));
        assert_eq!(calendar.month(2, None, Part::Start), Some(date(2026, 2, 1)));
        assert_eq!(calendar.month(10, None, Part::End), Some(date(2025, 10, 31)));
    }

    #[test]
    fn quarters_of_both_years() {
        let calendar = calendar(date(2025, 11, 10));
        assert_eq!(
            calendar.quarter(1, None, false, Part::End),
            Some(date(2026, 3, 31))
        );
        assert_eq!(
            calendar.quarter(1, None, true, Part::Start),
            Some(date(2026, 4, 1))
        );
        assert_eq!(calendar.next_fiscal_year(), Some(date(2026, 4, 1)));
    }

    #[test]
    fn no_date_is_out_of_reach() {
        let calendar = calendar(date(9999, 12, 31));
        for id in 0..60 {
            let _ = calendar.holiday(id, None);
        }
        let _ = (
            calendar.period(365, 9, Part::End),
            calendar.quarter(4, None, true, Part::End),
        );
    }
}

//! What a figure is worth a year in the ideal customer's currency.

use crate::domain::icp::IdealCustomer;

use super::money::{DOLLAR_SIGN, Money};

/// Rough dollar values, good enough to place a figure against a minimum that is itself a rule of thumb.
const IN_DOLLARS: &[(u16, &str, f64)] = &[
    (840, "USD", 1.0),
    (978, "EUR", 1.1),
    (826, "GBP", 1.3),
    (756, "CHF", 1.15),
    (356, "INR", 0.0118),
    (986, "BRL", 0.18),
    (124, "CAD", 0.73),
    (36, "AUD", 0.65),
    (484, "MXN", 0.054),
    (392, "JPY", 0.0067),
    (604, "PEN", 0.27),
    (32, "ARS", 0.001),
    (152, "CLP", 0.00105),
    (170, "COP", 0.00024),
];

/// The figure a year, in the ideal customer's currency: period, heads, missing thousands and currency resolved.
pub(crate) fn yearly(money: &Money, icp: &IdealCustomer, asked_per: Option<f64>, heads: Option<f64>) -> f64 {
    let per = money.per.or(asked_per.filter(|per| *per > 1.0)).unwrap_or(1.0);
    let each = if money.each { heads.unwrap_or(1.0) } else { 1.0 };
    rescaled(money, icp, per * each) * per * each * exchange(money.currency, icp)
}

/// `between 15 and 18` for a wedding means thousands: a bare small number is scaled when only that makes sense.
fn rescaled(money: &Money, icp: &IdealCustomer, times: f64) -> f64 {
    let min = icp.budget_min.unwrap_or(0) as f64;
    let bare = money.currency == 0 && !money.scaled && money.per.is_none() && !money.each && times <= 1.0;
    let thousands = if icp.currency.as_deref() == Some("INR") {
        100_000.0
    } else {
        1000.0
    };
    if bare && (1.0..1000.0).contains(&money.amount) && money.amount < min / 20.0 {
        money.amount * thousands
    } else {
        money.amount
    }
}

fn exchange(from: u16, icp: &IdealCustomer) -> f64 {
    let Some(to) = icp.currency.as_deref() else {
        return 1.0;
    };
    let dollars =
        |wanted: &dyn Fn(&(u16, &str, f64)) -> bool| IN_DOLLARS.iter().find(|c| wanted(c)).map(|c| c.2);
    let dollar_country = !matches!(to, "EUR" | "GBP" | "INR" | "CHF" | "JPY");
    if from == 0 || from == DOLLAR_SIGN && dollar_country {
        return 1.0;
    }
    let from = if from == DOLLAR_SIGN { 840 } else { from };
    if from == 840 && matches!(to, "CAD" | "AUD") {
        return 1.0;
    }
    match (dollars(&|c| c.0 == from), dollars(&|c| c.1 == to)) {
        (Some(from), Some(to)) if to > 0.0 => from / to,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn icp(min: u64, currency: &str) -> IdealCustomer {
        IdealCustomer {
            budget_min: Some(min),
            currency: Some(currency.to_owned()),
            ..IdealCustomer::default()
        }
    }

    fn money(amount: f64) -> Money {
        Money {
            first: 0,
            last: 1,
            amount,
            currency: 0,
            marked: false,
            priced: false,
            scaled: false,
            per: None,
            each: false,
        }
    }

    #[test]
    fn months_and_heads_multiply() {
        let monthly = Money {
            per: Some(12.0),
            each: true,
            currency: 840,
            marked: true,
            ..money(6.0)
        };
        assert!((yearly(&monthly, &icp(6000, "USD"), None, Some(140.0)) - 10_080.0).abs() < 1e-6);
    }

    #[test]
    fn the_period_of_the_question_holds_for_a_bare_answer() {
        assert!((yearly(&money(400.0), &icp(1200, "EUR"), Some(12.0), None) - 4800.0).abs() < 1e-6);
    }

    #[test]
    fn bare_small_numbers_are_thousands_only_against_a_large_minimum() {
        assert!((yearly(&money(18.0), &icp(9000, "USD"), None, None) - 18_000.0).abs() < 1e-6);
        assert!((yearly(&money(600.0), &icp(500, "EUR"), None, None) - 600.0).abs() < 1e-6);
        assert!((yearly(&money(5.0), &icp(200_000, "INR"), None, None) - 500_000.0).abs() < 1e-6);
    }

    #[test]
    fn currencies_are_converted_roughly() {
        let euros = Money {
            currency: 978,
            ..money(10_000.0)
        };
        assert!(yearly(&euros, &icp(1, "USD"), None, None) > 10_000.0);
        let sign = Money {
            currency: DOLLAR_SIGN,
            ..money(10_000.0)
        };
        assert!((yearly(&sign, &icp(1, "MXN"), None, None) - 10_000.0).abs() < 1e-6);
    }
}

//! The frame of the labelled examples in the family files: a whole talk in one line.

use jiff::{civil, tz::Offset};

use super::{Conversation, Evidence, qualify};
use crate::domain::conversation::{Profile, Role, Turn};
use crate::domain::icp::IdealCustomer;

/// Judges `talk`: turns joined by `|`, each starting with `v:`, `b:` or `a:`; a first turn `t:` is the profile title.
///
/// `icp` is the minimum and the currency, such as `5000 USD`; the product is software for bookings, invoices, training.
fn judge(day: &str, icp: &str, talk: &str) -> Evidence {
    let (min, currency) = icp.split_once(' ').unwrap();
    let icp = IdealCustomer {
        budget_min: Some(min.parse().unwrap()),
        budget_max: None,
        currency: Some(currency.to_owned()),
        product_terms: [
            "booking",
            "invoicing",
            "training",
            "solar panels",
            "website",
            "CRM",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let mut profile = Profile::default();
    let mut turns = Vec::new();
    for turn in talk.split('|').map(str::trim) {
        let (who, text) = turn.split_once(':').unwrap();
        let text = text.trim();
        match who {
            "t" => profile.title = Some(text),
            "v" => turns.push(Turn {
                role: Role::Visitor,
                text,
            }),
            "b" => turns.push(Turn {
                role: Role::Bot,
                text,
            }),
            _ => turns.push(Turn {
                role: Role::Agent,
                text,
            }),
        }
    }
    let day: civil::Date = day.parse().unwrap();
    let captured_at = Offset::UTC.to_timestamp(day.at(12, 0, 0, 0)).unwrap();
    qualify(&Conversation {
        captured_at,
        offset: Offset::UTC,
        icp: &icp,
        profile,
        turns: &turns,
    })
}

/// Checks every line (`level; day; icp; talk`) and reports all that fail at once.
pub(super) fn check(cases: &str, key: impl Fn(&Evidence) -> &'static str) {
    let cases: Vec<&str> = cases
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let mut failed = Vec::new();
    for case in &cases {
        let [want, day, icp, talk] = case.splitn(4, ';').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("not four parts: {case}")
        };
        let got = key(&judge(day, icp, talk));
        if got != want {
            failed.push(format!("want {want}, got {got}: {talk}"));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} wrong:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

//! BANT: budget, authority, need, timing, 25 points each.
//!
//! Why these points: three dimensions at their best are worth 75, so a fourth can lift a lead over 80 (hot) only with
//! five points or more. The levels that should keep a lead from being hot stay under that: no money that fits (price
//! asked, figure too small), nobody with a say (a mere user), or a date over half a year off. A vague need may be hot:
//! money, a decider and a date are worth a call. Somebody who recommends, money approved without a figure, or a date in
//! three to six months cost a little each, so two of them still make a hot lead and all three a warm one.

use super::super::rubric::{Dimension, Level, Rubric};

/// The preset, version 1.
pub fn bant() -> Rubric {
    Rubric {
        framework: "bant".to_owned(),
        version: 1,
        dimensions: vec![
            dimension(
                "budget",
                "Budget",
                &[
                    ("none", "No budget known", 0),
                    ("asked_price", "Asked for the price", 3),
                    ("below_icp", "Below the minimum", 4),
                    ("approved_no_figure", "Approved, no figure", 20),
                    ("fits", "Fits", 25),
                ],
            ),
            dimension(
                "authority",
                "Authority",
                &[
                    ("none", "Unknown", 0),
                    ("user", "No say", 4),
                    ("influencer", "Recommends", 17),
                    ("decision_maker", "Decides", 25),
                ],
            ),
            dimension(
                "need",
                "Need",
                &[
                    ("none", "No need told", 0),
                    ("vague", "Vague interest", 10),
                    ("specific", "Concrete problem", 25),
                ],
            ),
            dimension(
                "timing",
                "Timing",
                &[
                    ("none", "Unknown", 0),
                    ("later", "In over six months", 4),
                    ("mid", "In three to six months", 17),
                    ("soon", "Within three months", 25),
                ],
            ),
        ],
    }
}

fn dimension(key: &str, label: &str, levels: &[(&str, &str, u8)]) -> Dimension {
    Dimension {
        key: key.to_owned(),
        label: label.to_owned(),
        max_points: 25,
        levels: levels
            .iter()
            .map(|(key, label, points)| Level {
                key: (*key).to_owned(),
                label: (*label).to_owned(),
                points: *points,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Band, score};
    use super::*;
    use crate::qualify::{
        AuthorityLevel as A, BudgetLevel as B, Evidence, Finding, NeedLevel as N, Reason, TimingLevel as T,
    };

    fn band(budget: B, authority: A, need: N, timing: T) -> Band {
        fn found<L>(level: L) -> Finding<L> {
            Finding {
                level,
                quote: None,
                reason: Reason::NothingSaid,
            }
        }
        let evidence = Evidence {
            budget: found(budget),
            authority: found(authority),
            need: found(need),
            timing: found(timing),
        };
        score(&bant(), &evidence).band
    }

    #[test]
    fn it_can_be_published_and_knows_every_level() {
        let rubric = bant();
        assert!(rubric.problems().is_empty());
        let keys = |index: usize| -> Vec<&str> {
            rubric.dimensions[index]
                .levels
                .iter()
                .map(|l| l.key.as_str())
                .collect()
        };
        assert_eq!(keys(0), B::ALL.iter().map(|l| l.key()).collect::<Vec<_>>());
        assert_eq!(keys(1), A::ALL.iter().map(|l| l.key()).collect::<Vec<_>>());
        assert_eq!(keys(2), N::ALL.iter().map(|l| l.key()).collect::<Vec<_>>());
        assert_eq!(keys(3), T::ALL.iter().map(|l| l.key()).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_is_hot_without_money_say_or_a_date() {
        assert_eq!(
            band(B::BelowIcp, A::DecisionMaker, N::Specific, T::Soon),
            Band::Warm
        );
        assert_eq!(band(B::Fits, A::User, N::Specific, T::Soon), Band::Warm);
        assert_eq!(band(B::Fits, A::DecisionMaker, N::Specific, T::Later), Band::Warm);
    }

    #[test]
    fn the_bands_follow_what_a_sales_person_would_say() {
        assert_eq!(band(B::Fits, A::Influencer, N::Specific, T::Mid), Band::Hot);
        assert_eq!(band(B::Fits, A::DecisionMaker, N::Vague, T::Soon), Band::Hot);
        assert_eq!(
            band(B::ApprovedNoFigure, A::Influencer, N::Specific, T::Mid),
            Band::Warm
        );
        assert_eq!(
            band(B::AskedPrice, A::Influencer, N::Specific, T::Soon),
            Band::Warm
        );
        assert_eq!(
            band(B::None, A::DecisionMaker, N::Specific, T::None),
            Band::Lukewarm
        );
        assert_eq!(band(B::AskedPrice, A::None, N::Vague, T::Later), Band::Cold);
        assert_eq!(band(B::None, A::DecisionMaker, N::None, T::None), Band::Cold);
    }
}

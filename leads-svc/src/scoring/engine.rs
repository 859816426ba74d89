//! Applies a rubric to evidence: one part a dimension, and their sum is the score.

use super::reason::explain;
use super::rubric::{Dimension, Rubric};
use crate::domain::band::Band;
use crate::qualify::{Evidence, Quote, Reason};

/// The highest score.
const MAX: u8 = 100;

/// A score with everything that explains it. `total` is the sum of the parts' points, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// 0–100.
    pub total: u8,
    /// Of `total`.
    pub band: Band,
    /// One a dimension, in the rubric's order.
    pub dimensions: Vec<Part>,
}

/// What one dimension adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The dimension's key.
    pub key: String,
    /// The dimension's label.
    pub label: String,
    /// What it adds to the total.
    pub points: u8,
    /// What its best level would add.
    pub max: u8,
    /// Key of the level reached.
    pub level: String,
    /// Label of the level reached.
    pub level_label: String,
    /// The visitor's words that earned it.
    pub quote: Option<Quote>,
    /// A sentence for people.
    pub reason: &'static str,
}

/// Scores evidence.
///
/// A dimension that the qualifier does not feed, and a level that the rubric does not list, earn nothing. If a rubric
/// gives more than 100 points in all, later dimensions are cut so that the sum stays the score.
pub fn score(rubric: &Rubric, evidence: &Evidence) -> Score {
    let mut left = MAX;
    let dimensions = rubric
        .dimensions
        .iter()
        .map(|dimension| {
            let part = part(dimension, evidence, left);
            left -= part.points;
            part
        })
        .collect();
    Score::of(dimensions)
}

impl Score {
    fn of(dimensions: Vec<Part>) -> Self {
        let total = dimensions
            .iter()
            .fold(0u8, |sum, part| sum.saturating_add(part.points));
        Self {
            total,
            band: Band::of(total),
            dimensions,
        }
    }

    /// What the score would be without what was found on one dimension: lower by exactly that part's points.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        let mut dimensions = self.dimensions.clone();
        for part in dimensions.iter_mut().filter(|part| part.key == key) {
            (part.points, part.quote, part.reason) = (0, None, "Left out to see what the score would be.");
        }
        Self::of(dimensions)
    }
}

fn part(dimension: &Dimension, evidence: &Evidence, left: u8) -> Part {
    let (found, quote, reason) = finding(&dimension.key, evidence);
    let level = dimension.levels.iter().find(|level| level.key == found);
    Part {
        key: dimension.key.clone(),
        label: dimension.label.clone(),
        points: level
            .map_or(0, |level| level.points.min(dimension.max_points))
            .min(left),
        max: dimension.max_points,
        level: found.to_owned(),
        level_label: level.map_or_else(|| found.to_owned(), |level| level.label.clone()),
        quote,
        reason: explain(reason),
    }
}

fn finding(key: &str, evidence: &Evidence) -> (&'static str, Option<Quote>, Reason) {
    let Evidence {
        budget,
        authority,
        need,
        timing,
    } = evidence;
    match key {
        "budget" => (budget.level.key(), budget.quote, budget.reason),
        "authority" => (authority.level.key(), authority.quote, authority.reason),
        "need" => (need.level.key(), need.quote, need.reason),
        "timing" => (timing.level.key(), timing.quote, timing.reason),
        _ => ("none", None, Reason::NothingSaid),
    }
}

#[cfg(test)]
mod tests {
    use super::super::presets::bant;
    use super::*;
    use crate::qualify::{AuthorityLevel, BudgetLevel, Finding, NeedLevel, TimingLevel};
    use proptest::prelude::*;

    fn evidence(b: usize, a: usize, n: usize, t: usize) -> Evidence {
        fn at<L: Copy>(all: &[L], index: usize) -> Finding<L> {
            Finding {
                level: all[index % all.len()],
                quote: None,
                reason: Reason::NothingSaid,
            }
        }
        Evidence {
            budget: at(BudgetLevel::ALL, b),
            authority: at(AuthorityLevel::ALL, a),
            need: at(NeedLevel::ALL, n),
            timing: at(TimingLevel::ALL, t),
        }
    }

    #[test]
    fn the_best_lead_has_100_and_the_empty_one_0() {
        assert_eq!(score(&bant(), &evidence(4, 3, 2, 3)).total, 100);
        assert_eq!(score(&bant(), &evidence(0, 0, 0, 0)).total, 0);
    }

    proptest! {
        #[test]
        fn the_total_is_the_sum_and_each_part_can_be_taken_out(
            levels in prop::array::uniform4(0usize..60),
            points in prop::collection::vec(prop::collection::vec(any::<u8>(), 5), 4),
        ) {
            let [b, a, n, t] = levels;
            let mut rubric = bant();
            for (dimension, points) in rubric.dimensions.iter_mut().zip(&points) {
                dimension.max_points = points[4];
                for (level, points) in dimension.levels.iter_mut().zip(points) {
                    level.points = *points;
                }
            }
            for rubric in [bant(), rubric] {
                let scored = score(&rubric, &evidence(b, a, n, t));
                let sum: u32 = scored.dimensions.iter().map(|part| u32::from(part.points)).sum();
                prop_assert_eq!(sum, u32::from(scored.total));
                prop_assert!(scored.total <= 100);
                for part in &scored.dimensions {
                    prop_assert_eq!(scored.without(&part.key).total, scored.total - part.points);
                }
            }
        }

        #[test]
        fn a_higher_level_never_lowers_the_score(levels in prop::array::uniform4(0usize..3)) {
            let [b, a, n, t] = levels;
            let total = |b, a, n, t| score(&bant(), &evidence(b, a, n, t)).total;
            let base = total(b, a, n.min(1), t);
            prop_assert!(total(b + 1, a, n.min(1), t) >= base);
            prop_assert!(total(b, a + 1, n.min(1), t) >= base);
            prop_assert!(total(b, a, n.min(1) + 1, t) >= base);
            prop_assert!(total(b, a, n.min(1), t + 1) >= base);
        }
    }
}

//! A rubric: which dimensions count, which levels each has, and what a level is worth.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A scoring framework as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rubric {
    /// `bant`, `meddic`, a custom name.
    pub framework: String,
    /// Counts up with each publication.
    pub version: u32,
    /// In the order shown.
    pub dimensions: Vec<Dimension>,
}

/// One dimension of a rubric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Machine word; `budget`, `authority`, `need` and `timing` are fed by the qualifier.
    pub key: String,
    /// For people.
    pub label: String,
    /// What its best level is worth.
    pub max_points: u8,
    /// Lowest first.
    pub levels: Vec<Level>,
}

/// One level of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Machine word, as the qualifier says it.
    pub key: String,
    /// For people.
    pub label: String,
    /// At most the dimension's `max_points`.
    pub points: u8,
}

/// Why a rubric cannot be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RubricProblem {
    /// The best levels together are worth this much instead of 100 or less.
    Over100(u32),
    /// Two dimensions, or two levels of one, share this key.
    Twice(String),
    /// This dimension has no level.
    NoLevels(String),
    /// This level is worth more than its dimension.
    OverMax(String),
    /// This level is worth less than the one below it.
    Falls(String),
}

impl fmt::Display for RubricProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over100(sum) => write!(f, "the dimensions add up to {sum} points; 100 is the most"),
            Self::Twice(key) => write!(f, "`{key}` occurs twice"),
            Self::NoLevels(key) => write!(f, "`{key}` has no levels"),
            Self::OverMax(key) => write!(f, "`{key}` is worth more than its dimension"),
            Self::Falls(key) => write!(f, "`{key}` is worth less than the level below it"),
        }
    }
}

impl Rubric {
    /// Everything that is wrong with it, at once; empty when it can be published.
    pub fn problems(&self) -> Vec<RubricProblem> {
        let mut problems = Vec::new();
        let sum: u32 = self
            .dimensions
            .iter()
            .map(|dimension| u32::from(dimension.max_points))
            .sum();
        if sum > 100 {
            problems.push(RubricProblem::Over100(sum));
        }
        problems.extend(twice(self.dimensions.iter().map(|d| &d.key), ""));
        for dimension in &self.dimensions {
            if dimension.levels.is_empty() {
                problems.push(RubricProblem::NoLevels(dimension.key.clone()));
            }
            problems.extend(twice(dimension.levels.iter().map(|l| &l.key), &dimension.key));
            let mut below = 0;
            for level in &dimension.levels {
                let name = || format!("{}.{}", dimension.key, level.key);
                if level.points > dimension.max_points {
                    problems.push(RubricProblem::OverMax(name()));
                }
                if level.points < below {
                    problems.push(RubricProblem::Falls(name()));
                }
                below = level.points;
            }
        }
        problems
    }
}

fn twice<'a>(keys: impl Iterator<Item = &'a String>, within: &str) -> Vec<RubricProblem> {
    let mut seen: Vec<&String> = Vec::new();
    let mut problems = Vec::new();
    for key in keys {
        if seen.contains(&key) {
            let name = if within.is_empty() {
                key.clone()
            } else {
                format!("{within}.{key}")
            };
            problems.push(RubricProblem::Twice(name));
        }
        seen.push(key);
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_at_once() {
        let level = |key: &str, points| Level {
            key: key.into(),
            label: key.into(),
            points,
        };
        let dimension = |key: &str, levels| Dimension {
            key: key.into(),
            label: key.into(),
            max_points: 60,
            levels,
        };
        let rubric = Rubric {
            framework: "custom".into(),
            version: 1,
            dimensions: vec![
                dimension("a", vec![level("x", 10), level("x", 5), level("y", 70)]),
                dimension("a", Vec::new()),
            ],
        };
        let told: Vec<String> = rubric.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "the dimensions add up to 120 points; 100 is the most",
                "`a` occurs twice",
                "`a.x` occurs twice",
                "`a.x` is worth less than the level below it",
                "`a.y` is worth more than its dimension",
                "`a` has no levels",
            ]
        );
    }
}

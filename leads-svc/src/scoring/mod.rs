//! Evidence → points: the rubric is data, the score is the sum of its parts, and each part names its quote.

mod engine;
pub mod presets;
mod reason;
mod rubric;

pub use crate::domain::band::Band;
pub use engine::{Part, Score, score};
pub use reason::explain;
pub use rubric::{Dimension, Level, Rubric, RubricProblem};

//! What two leads are together, and what of it comes from where and why.

use std::collections::BTreeMap;

use super::{
    part::{Choice, Part, Side},
    state::State,
};

/// Why the united view holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Both leads have it.
    Same,
    /// Only one lead has a value.
    Only,
    /// It is the newer one.
    Newest,
    /// It is the older one.
    Earliest,
    /// It is the stage that is further on.
    Furthest,
    /// It is the survivor's, which counts where nothing was chosen.
    Survivors,
    /// The values of both leads together.
    United,
    /// Somebody chose it.
    Chosen,
}

/// A part of the united view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which part.
    pub part: Part,
    /// Its value as text.
    pub value: String,
    /// Where it comes from; `None` if from both.
    pub from: Option<Side>,
    /// Why.
    pub why: Why,
}

/// What two leads are together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct United {
    /// Their state.
    pub state: State,
    /// Every part that has a value.
    pub lines: Vec<Line>,
}

/// Choices by part.
pub type Choices = BTreeMap<Part, Choice>;

//! What words mean, per language, as data; compiled once and matched against tokens.
//!
//! `*.lex` lines read `concept: phrase, phrase=value, …`; an indented line continues the one before, `#` starts a
//! comment, `@name: a|b` names a class of words. In a phrase: `word`, `stem*`, `a|b`, `[optional]`, `@class`,
//! `#` (a figure) and `~` (a gap of up to six words).

mod compile;
mod concept;
mod matcher;
mod source;

pub(crate) use compile::{Lang, Lexicon};
pub(crate) use concept::{Concept, ConceptSet};
pub(crate) use matcher::{Span, atoms_of, find_spans};

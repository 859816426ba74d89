//! The filter language: a subset of AIP-160 that lists speak, and whatever else chooses leads.
//!
//! A text becomes a [`Filter`] once, with every name and value checked against the table of fields; from there on nothing
//! can fail. It is evaluated here against a lead in memory, and translated to SQL by storage. Both follow two-valued
//! logic: a comparison with a value that is missing is false, whatever the comparison, and `NOT` of it is true. As in
//! AIP-160, OR binds tighter than AND.

mod ast;
mod evaluate;
mod field;
mod literal;
mod parse;
mod token;

pub use ast::{Comparator, Filter, Term, Test, Value, When};
pub use evaluate::{Read, Subject};
pub use field::{CrmField, Field, Kind, Points};
pub use parse::{Fault, MAX_BYTES, MAX_COST, MAX_DEPTH, parse};

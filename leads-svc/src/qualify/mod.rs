//! Text → BANT evidence: pure, deterministic, and never trusting what a message says about itself.
//!
//! What is stored: nothing; the lexicons (`lexicon/*.lex`, one a language, all of one shape) are compiled once.
//!
//! How it moves: text → tokens → concept spans → money, dates and clauses → one decision a signal family.
//!
//! What must hold: a quote lies in a visitor's message on character boundaries, and no input panics.

mod answer;
mod authority;
mod budget;
mod calendar;
mod context;
mod date;
mod evidence;
pub mod jsonl;
mod language;
mod lexicon;
mod message;
mod money;
mod need;
mod number;
mod period;
mod role;
mod talk;
mod timing;
mod token;
mod worth;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;

pub use evidence::{
    AuthorityLevel, BudgetLevel, Conversation, Evidence, Finding, NeedLevel, Quote, Reason, TimingLevel,
};
pub use talk::qualify;

//! Why a level was reached, in a sentence for sales people.

use crate::qualify::Reason;

/// The sentence for a rule of the qualifier.
pub const fn explain(reason: Reason) -> &'static str {
    match reason {
        Reason::NothingSaid => "The visitor said nothing on it.",
        Reason::NotBuying => "The conversation is not about buying.",
        Reason::ProfileTitle => "Taken from the job title; the visitor said nothing that contradicts it.",
        Reason::OwnFigure => "The visitor named a figure of their own.",
        Reason::ConfirmedFigure => "The visitor answered a question that named a figure.",
        Reason::FundsApproved => "The visitor said that money exists or is approved.",
        Reason::PriceQuestion => "The visitor asked for the price or minded it.",
        Reason::NoFunds => "The visitor said that there is no money.",
        Reason::Decides => "The visitor said that they decide or sign.",
        Reason::Owns => "The visitor owns the business or the home.",
        Reason::OwnRole => "The visitor named their role.",
        Reason::OthersDecide => "Somebody else decides or has to agree.",
        Reason::Evaluates => "The visitor evaluates or recommends.",
        Reason::NoSay => "The visitor has no say in it.",
        Reason::ProblemTold => "The visitor told a concrete problem.",
        Reason::InterestOnly => "The visitor showed interest but told no problem.",
        Reason::NothingNeeded => "The visitor said that nothing is needed.",
        Reason::DateNamed => "The visitor named a date or a span of time.",
        Reason::Urgent => "The visitor wants it as soon as possible.",
        Reason::NoHurry => "The visitor is in no hurry.",
    }
}

//! What a person is recognised by: addresses, phone numbers and visitor ids, in the form in which they are compared.
//!
//! The form that is stored and shown stays as it was normalised on arrival; the forms made here are only for
//! comparing. Whoever stores them (as keyed hashes) has to make them anew when a workspace changes the switch or the
//! country that they depend on.

mod address;
pub mod noise;
mod phone;
mod visitor;

use serde::{Deserialize, Serialize};

pub use address::{address_key, domain, is_free_mail, untagged};
pub use phone::{Country, phone_key, read_phone};
pub use visitor::check_visitor;

/// What a value identifies a person by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An email address. Equal ones in a workspace are one lead.
    Email,
    /// A phone number. Equal ones may be one person.
    Phone,
    /// The id that a channel gave a visitor. Equal ones may be one person.
    Visitor,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::Email, Kind::Phone, Kind::Visitor];

    /// The word that storage uses.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Visitor => "visitor",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

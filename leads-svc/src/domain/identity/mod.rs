//! What a person is recognised by: addresses, phone numbers and visitor ids, in the form in which they are compared.
//!
//! The form that is stored and shown stays as it was normalised on arrival; the forms made here are only for
//! comparing. Whoever stores them (as keyed hashes) has to make them anew when a workspace changes the switch or the
//! country that they depend on.

mod address;
mod marks;
pub mod noise;
mod phone;
mod visitor;

use serde::{Deserialize, Serialize};

pub use address::{address_key, domain, is_free_mail, mailbox, untagged};
pub use marks::{Mark, marks};
pub use phone::{Country, phone_key, read_phone};
pub use visitor::check_visitor;

/// What a value identifies a person by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An email address. Equal ones in a workspace are one person.
    Email,
    /// The mailbox that an address is delivered to. Equal ones in a workspace are one person.
    Mailbox,
    /// A phone number. Equal ones may be one person.
    Phone,
    /// The id that a channel gave a visitor. It finds who has given no address yet; otherwise equal ones may be one
    /// person.
    Visitor,
    /// An address without its tag. Equal ones may be one person.
    AddressVariant,
    /// A name at a company. Equal ones may be one person.
    NameAndCompany,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 6] = [
        Kind::Email,
        Kind::Mailbox,
        Kind::Phone,
        Kind::Visitor,
        Kind::AddressVariant,
        Kind::NameAndCompany,
    ];

    /// The word that storage uses.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Mailbox => "mailbox",
            Kind::Phone => "phone",
            Kind::Visitor => "visitor",
            Kind::AddressVariant => "address_variant",
            Kind::NameAndCompany => "name_and_company",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

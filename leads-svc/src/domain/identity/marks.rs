//! What a profile is found and compared by.

use std::collections::BTreeSet;

use super::{Kind, mailbox};
use crate::domain::{
    contact::Profile,
    duplicates::{self, Known, Reason},
    workspace::Settings,
};

/// A value that somebody is found or compared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// What it says if two share it.
    pub kind: Kind,
    /// The form in which it is compared. Personal data.
    pub value: String,
}

impl Mark {
    /// A mark.
    pub fn new(kind: Kind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }

    /// Marks by which an address is found: itself, and its mailbox where variants of it are one person.
    pub fn of_address(address: &str, settings: &Settings) -> Vec<Self> {
        let mailbox = mailbox(address).filter(|_| settings.merge_address_variants);
        let mailbox = mailbox.map(|mailbox| Self::new(Kind::Mailbox, mailbox));
        std::iter::once(Self::new(Kind::Email, address))
            .chain(mailbox)
            .collect()
    }
}

/// Everything that a profile is found and compared by. Made values and those of teams are compared with none.
pub fn marks(profile: &Profile, settings: &Settings) -> BTreeSet<Mark> {
    let emails = profile.emails();
    let mut marks: BTreeSet<Mark> = emails
        .iter()
        .flat_map(|address| Mark::of_address(address, settings))
        .collect();
    let known = Known {
        addresses: &emails,
        phones: &profile.phones(),
        visitors: &profile.visitors,
        name: profile.name.as_deref(),
        company: profile.company.as_deref(),
    };
    for signal in duplicates::signals(known, settings.country.as_ref()) {
        let kind = match signal.reason {
            // What is found as an address or a mailbox needs no mark of its own.
            Reason::AddressVariant if marks.iter().any(|mark| mark.value == signal.value) => continue,
            Reason::AddressVariant => Kind::AddressVariant,
            Reason::Phone => Kind::Phone,
            Reason::Visitor => Kind::Visitor,
            Reason::NameAndCompany => Kind::NameAndCompany,
        };
        marks.insert(Mark::new(kind, signal.value));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(profile: &Profile, merge_address_variants: bool) -> Vec<(Kind, String)> {
        let settings = Settings {
            merge_address_variants,
            ..Settings::default()
        };
        marks(profile, &settings)
            .into_iter()
            .map(|mark| (mark.kind, mark.value))
            .collect()
    }

    #[test]
    fn an_address_is_found_by_itself_and_by_its_mailbox_where_variants_are_one_person() {
        let profile = Profile {
            email: Some("a.na+ads@gmail.com".to_owned()),
            other_emails: vec!["ana+ads@acme.com".to_owned()],
            ..Profile::default()
        };
        let own = [
            (Kind::Email, "a.na+ads@gmail.com".to_owned()),
            (Kind::Email, "ana+ads@acme.com".to_owned()),
        ];
        let company = (Kind::AddressVariant, "ana@acme.com".to_owned());
        let mut merging = own.to_vec();
        merging.push((Kind::Mailbox, "ana@gmail.com".to_owned()));
        merging.push(company.clone());
        assert_eq!(of(&profile, true), merging);
        let mut apart = own.to_vec();
        apart.push(company);
        apart.push((Kind::AddressVariant, "ana@gmail.com".to_owned()));
        assert_eq!(of(&profile, false), apart);
    }

    #[test]
    fn phones_visitors_and_names_at_a_company_are_compared() {
        let profile = Profile {
            name: Some("Ana Ruiz".to_owned()),
            company: Some("Acme S.L.".to_owned()),
            phone: Some("+34600123456".to_owned()),
            other_phones: vec!["600123456".to_owned()],
            visitors: vec!["v-1".to_owned()],
            ..Profile::default()
        };
        assert_eq!(
            of(&profile, true),
            [
                (Kind::Phone, "+34600123456".to_owned()),
                (Kind::Visitor, "v-1".to_owned()),
                (Kind::NameAndCompany, "ana ruiz@acme".to_owned()),
            ]
        );
    }
}

//! Which leads may be one person although no address says so: signals of a lead, and what two leads share of them.
//!
//! Equal addresses never get here, since they are one lead already. A suggestion is no proof: it says how likely the
//! two are one person, and why.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    identity::{
        Country, address_key, domain, is_free_mail,
        noise::{self, MOST_HOLDERS},
        phone_key, untagged,
    },
    search::words,
};

/// Least words of a name that can tell people of one company apart.
const NAME_WORDS: usize = 2;

/// What companies append to their name.
const LEGAL_FORMS: [&str; 32] = [
    "ab",
    "ag",
    "aps",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "group",
    "holding",
    "inc",
    "incorporated",
    "kg",
    "limited",
    "llc",
    "llp",
    "ltd",
    "ltda",
    "nv",
    "oy",
    "oyj",
    "plc",
    "sa",
    "sarl",
    "sas",
    "sl",
    "slu",
    "spa",
    "srl",
    "the",
];

/// Why two leads may be one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Addresses that probably reach one mailbox.
    AddressVariant,
    /// One phone number.
    Phone,
    /// One visitor id.
    Visitor,
    /// One name at one company.
    NameAndCompany,
}

impl Reason {
    /// The word that the contract and storage use.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::AddressVariant => "address_variant",
            Reason::Phone => "phone",
            Reason::Visitor => "visitor",
            Reason::NameAndCompany => "name_and_company",
        }
    }

    /// How often two leads that share this are one person, in percent: a number may be a switchboard's, a browser may
    /// be a family's.
    const fn percent(self) -> u32 {
        match self {
            Reason::AddressVariant => 85,
            Reason::Phone => 70,
            Reason::Visitor => 60,
            Reason::NameAndCompany => 65,
        }
    }
}

/// Something that another lead may share, in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal {
    /// What sharing it would say.
    pub reason: Reason,
    /// The value. Personal data.
    pub value: String,
}

/// What is known of a lead, as stored.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Normalised addresses.
    pub addresses: &'a [String],
    /// Phone numbers.
    pub phones: &'a [String],
    /// Visitor ids.
    pub visitors: &'a [String],
    /// Full name.
    pub name: Option<&'a str>,
    /// Company.
    pub company: Option<&'a str>,
}

/// What a lead is compared by; noise is left out. `country` is the workspace's, for numbers without a country code.
pub fn signals(known: Known<'_>, country: Option<&Country>) -> BTreeSet<Signal> {
    let people = || {
        known
            .addresses
            .iter()
            .filter(|address| !noise::is_placeholder_address(address))
    };
    let variants = people()
        .filter(|address| !noise::is_shared_inbox(address))
        .map(|address| signal(Reason::AddressVariant, untagged(address)));
    let phones = known
        .phones
        .iter()
        .filter_map(|phone| phone_key(phone, country))
        .filter(|phone| !noise::is_placeholder_phone(phone))
        .map(|phone| signal(Reason::Phone, phone));
    let visitors = known
        .visitors
        .iter()
        .map(|visitor| signal(Reason::Visitor, visitor.clone()));
    let name = known.name.and_then(name_key);
    let domains = people()
        .filter_map(|address| domain(address))
        .filter(|domain| !is_free_mail(domain))
        .map(str::to_owned);
    let companies = domains
        .chain(known.company.and_then(company_key))
        .map(|company| (&name, company))
        .filter_map(|(name, company)| name.as_ref().map(|name| format!("{name}@{company}")))
        .map(|value| signal(Reason::NameAndCompany, value));
    variants.chain(phones).chain(visitors).chain(companies).collect()
}

/// Two leads that may be one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How likely they are, 1 to 99.
    pub score: u8,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
}

/// What two leads share, if anything. `holders` counts the leads of the workspace that have a signal; one that more
/// than [`MOST_HOLDERS`] have is noise. The same for both orders of the two.
pub fn candidate(
    one: &BTreeSet<Signal>,
    other: &BTreeSet<Signal>,
    holders: impl Fn(&Signal) -> usize,
) -> Option<Candidate> {
    let shared: BTreeSet<Reason> = one
        .intersection(other)
        .filter(|signal| holders(signal) <= MOST_HOLDERS)
        .map(|signal| signal.reason)
        .collect();
    let mut reasons: Vec<Reason> = shared.into_iter().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.percent()));
    // Independent signs: what remains is the chance that all of them mislead.
    let doubt = reasons.iter().fold(100, |doubt, reason| {
        (doubt * (100 - reason.percent())).div_ceil(100)
    });
    let score = u8::try_from(100 - doubt.min(100)).unwrap_or_default();
    (!reasons.is_empty()).then_some(Candidate { score, reasons })
}

/// Whether two sets of addresses are one lead already, so that there is nothing to suggest.
pub fn are_one(one: &[String], other: &[String], merge_variants: bool) -> bool {
    let keys = |addresses: &[String]| -> BTreeSet<String> {
        addresses
            .iter()
            .map(|address| address_key(address, merge_variants))
            .collect()
    };
    !keys(one).is_disjoint(&keys(other))
}

fn signal(reason: Reason, value: String) -> Signal {
    Signal { reason, value }
}

/// A name without order, case and accents; `None` if it is too short to tell people apart, or noise.
fn name_key(name: &str) -> Option<String> {
    let mut words = plain_words(name);
    words.sort();
    let tells = words.len() >= NAME_WORDS && !noise::is_placeholder_name(&words);
    tells.then(|| words.join(" "))
}

/// A company's name without case, accents and legal form; `None` if nothing is left, or noise.
fn company_key(company: &str) -> Option<String> {
    let words: Vec<String> = plain_words(company)
        .into_iter()
        .filter(|word| LEGAL_FORMS.binary_search(&word.as_str()).is_err())
        .collect();
    let tells = !words.is_empty() && !noise::is_placeholder_name(&words);
    tells.then(|| words.join(" "))
}

fn plain_words(text: &str) -> Vec<String> {
    // "S.L.", "O'Neill" and "n/a" are one word each.
    let text: String = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter) && !matches!(letter, '.' | '/' | '\'' | '\u{2019}'))
        .collect();
    words(&text)
}

#[cfg(test)]
mod tests;

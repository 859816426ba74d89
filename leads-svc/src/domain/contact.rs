//! A person known to a workspace.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    email::Email,
    filled_at::FilledAt,
    identity::{check_visitor, read_phone},
    lead::{Channel, Intent},
    text,
    violation::Violations,
};

/// Most addresses, phone numbers and visitor ids of a contact, each; what is given beyond them is not kept.
pub const MAX_IDENTITIES: usize = 20;
/// Most attributes of a contact.
pub const MAX_ATTRIBUTES: usize = 50;

const MAX_NAME: usize = 200;
const MAX_ATTRIBUTE: usize = 1_000;

/// What a workspace knows of a person. This is what is encrypted at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Normalised address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digits, with a leading + if the country is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Further addresses, in order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_emails: Vec<String>,
    /// Further phone numbers, in order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_phones: Vec<String>,
    /// Ids that channels gave the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visitors: Vec<String>,
    /// When fields and attributes were last given. Empty in what a caller sends.
    #[serde(default, skip_serializing_if = "FilledAt::is_empty")]
    pub filled_at: FilledAt,
}

/// A contact as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// Identifier.
    pub id: Uuid,
    /// Who it is.
    pub profile: Profile,
    /// Facts that lists can filter by.
    pub attributes: BTreeMap<String, String>,
    /// What was seen before it became a lead; empty from then on.
    pub seen: Seen,
    /// What its data is sealed under.
    pub key: KeyRef,
}

/// The name of a contact's key in the key store; none before it has one. It is no part of who somebody is: contacts are
/// equal whatever their keys are.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyRef(pub Option<Uuid>);

impl PartialEq for KeyRef {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KeyRef {}

/// What is remembered of a contact until it is a lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The newest buying-intent signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// All touches, in order of first use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
}

/// A profile field that a workspace can require before a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Full name.
    Name,
    /// Phone number.
    Phone,
    /// Company.
    Company,
    /// Job title.
    Title,
}

impl Field {
    /// Every field.
    pub const ALL: [Field; 4] = [Field::Name, Field::Phone, Field::Company, Field::Title];

    /// Name in settings and reasons.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Phone => "phone",
            Field::Company => "company",
            Field::Title => "title",
        }
    }

    /// The field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Its bit in [`Profile::filled`].
    pub const fn bit(self) -> i16 {
        match self {
            Field::Name => 1,
            Field::Phone => 2,
            Field::Company => 4,
            Field::Title => 8,
        }
    }
}

impl Profile {
    /// The fields as callers send them; violations go below `prefix`.
    pub fn check(prefix: &str, given: RawProfile<'_>, violations: &mut Violations) -> Self {
        let at = |field: &str| format!("{prefix}.{field}");
        let email = (!given.email.is_empty())
            .then(|| {
                Email::parse(given.email)
                    .map_err(|problem| violations.add(at("email"), problem))
                    .ok()
            })
            .flatten();
        let phone = (!given.phone.is_empty())
            .then(|| {
                read_phone(given.phone)
                    .map_err(|problem| violations.add(at("phone"), problem))
                    .ok()
            })
            .flatten();
        let visitors = if given.visitor_id.is_empty() {
            Vec::new()
        } else {
            check_visitor(given.visitor_id)
                .unwrap_or_else(|problem| violations.add(at("visitor_id"), problem));
            vec![given.visitor_id.to_owned()]
        };
        Self {
            email: email.map(|email| email.as_str().to_owned()),
            phone,
            name: text::optional(&at("name"), given.name, MAX_NAME, violations),
            company: text::optional(&at("company"), given.company, MAX_NAME, violations),
            title: text::optional(&at("title"), given.title, MAX_NAME, violations),
            other_emails: Vec::new(),
            other_phones: Vec::new(),
            visitors,
            filled_at: FilledAt::default(),
        }
    }

    /// This profile after `given` was said at `at`: a value replaces one that is not newer, an absent one erases
    /// nothing. The address stays, since what was given with another one of the person's addresses does not make that
    /// the primary one.
    #[must_use]
    pub fn updated_by(&self, given: &Profile, at: DateTime<Utc>) -> Profile {
        let mut updated = self.clone();
        if updated.email.is_none() {
            updated.email.clone_from(&given.email);
        }
        for field in Field::ALL {
            let is_newest = self.filled_at.field(field).is_none_or(|before| before <= at);
            if let Some(value) = given.value(field).filter(|_| is_newest) {
                updated.set(field, Some(value.to_owned()));
                updated.filled_at.set_field(field, at);
            }
        }
        updated.add_identities(self);
        updated.add_identities(given);
        updated
    }

    /// Takes in another person's values: of each field the newer one, and all that they are found by.
    #[must_use]
    pub fn joined_by(&self, other: &Profile) -> Profile {
        let mut joined = self.clone();
        for field in Field::ALL {
            let at = other.filled_at.field(field).unwrap_or(DateTime::UNIX_EPOCH);
            let mut only = Profile::default();
            only.set(field, other.value(field).map(str::to_owned));
            joined = joined.updated_by(&only, at);
        }
        joined.add_identities(other);
        joined
    }

    /// Every address, the primary one first.
    pub fn emails(&self) -> Vec<String> {
        self.email.iter().chain(&self.other_emails).cloned().collect()
    }

    /// Every phone number, the primary one first.
    pub fn phones(&self) -> Vec<String> {
        self.phone.iter().chain(&self.other_phones).cloned().collect()
    }

    /// Adds what another profile is found by; what is primary stays.
    pub fn add_identities(&mut self, other: &Profile) {
        if self.email.is_none() {
            self.email.clone_from(&other.email);
        }
        join(&mut self.other_emails, other.emails(), self.email.as_ref());
        join(&mut self.other_phones, other.phones(), self.phone.as_ref());
        join(&mut self.visitors, other.visitors.clone(), None);
    }

    /// Bits of the fields that have a value.
    pub fn filled(&self) -> i16 {
        Field::ALL
            .into_iter()
            .filter(|field| self.value(*field).is_some())
            .map(Field::bit)
            .sum()
    }

    /// The field's value.
    pub fn value(&self, field: Field) -> Option<&str> {
        match field {
            Field::Name => self.name.as_deref(),
            Field::Phone => self.phone.as_deref(),
            Field::Company => self.company.as_deref(),
            Field::Title => self.title.as_deref(),
        }
    }

    /// Sets the field, and leaves the note of its time alone.
    pub fn set(&mut self, field: Field, value: Option<String>) {
        match field {
            Field::Name => self.name = value,
            Field::Phone => self.phone = value,
            Field::Company => self.company = value,
            Field::Title => self.title = value,
        }
    }
}

impl Seen {
    /// Takes in a touch.
    pub fn note(&mut self, channel: Channel, intent: Option<Intent>) {
        if !self.channels.contains(&channel) {
            self.channels.push(channel);
        }
        if let Some(intent) = intent {
            self.note_intent(intent);
        }
    }

    fn note_intent(&mut self, intent: Intent) {
        if self.intent.as_ref().is_none_or(|before| before.at <= intent.at) {
            self.intent = Some(intent);
        }
    }
}

impl Contact {
    /// Takes in what was said at `at`: see [`Profile::updated_by`]; attributes alike, each for itself.
    pub fn update(&mut self, profile: &Profile, attributes: &BTreeMap<String, String>, at: DateTime<Utc>) {
        self.profile = self.profile.updated_by(profile, at);
        for (key, value) in attributes {
            let times = &mut self.profile.filled_at;
            if times.attribute(key).is_none_or(|before| before <= at) {
                times.set_attribute(key, at);
                self.attributes.insert(key.clone(), value.clone());
            }
        }
    }

    /// Takes in another contact of the same person.
    pub fn join(&mut self, other: Contact) {
        let Contact {
            profile,
            attributes,
            seen,
            ..
        } = other;
        self.profile = self.profile.joined_by(&profile);
        for (key, value) in attributes {
            let at = profile.filled_at.attribute(&key).unwrap_or(DateTime::UNIX_EPOCH);
            let one = BTreeMap::from([(key, value)]);
            self.update(&Profile::default(), &one, at);
        }
        for channel in seen.channels {
            self.seen.note(channel, None);
        }
        if let Some(intent) = seen.intent {
            self.seen.note_intent(intent);
        }
    }

    /// Takes `at` for the time of every value that has none: for rows that were stored without times.
    pub fn assume_filled_at(&mut self, at: DateTime<Utc>) {
        for field in Field::ALL {
            if self.profile.value(field).is_some() && self.profile.filled_at.field(field).is_none() {
                self.profile.filled_at.set_field(field, at);
            }
        }
        for key in self.attributes.keys() {
            if self.profile.filled_at.attribute(key).is_none() {
                self.profile.filled_at.set_attribute(key, at);
            }
        }
    }
}

/// Adds values that are not there yet; `primary` is kept elsewhere.
fn join(values: &mut Vec<String>, others: Vec<String>, primary: Option<&String>) {
    values.retain(|value| Some(value) != primary);
    for other in others {
        let is_new = Some(&other) != primary && !values.contains(&other);
        if is_new && values.len() < MAX_IDENTITIES {
            values.push(other);
        }
    }
}

/// A profile as a caller sent it; empty means absent.
#[derive(Debug, Clone, Copy)]
pub struct RawProfile<'a> {
    /// Address.
    pub email: &'a str,
    /// Full name.
    pub name: &'a str,
    /// Phone number.
    pub phone: &'a str,
    /// Company.
    pub company: &'a str,
    /// Job title.
    pub title: &'a str,
    /// Id that the channel gave the visitor.
    pub visitor_id: &'a str,
}

/// Whether an attribute can have this key.
pub fn is_attribute_key(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Checks the attributes of a contact; violations go below `prefix`.
pub fn check_attributes<'a>(
    prefix: &str,
    given: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
    violations: &mut Violations,
) -> BTreeMap<String, String> {
    if given.len() > MAX_ATTRIBUTES {
        violations.add(
            prefix,
            format!(
                "has {} entries; at most {MAX_ATTRIBUTES} are allowed",
                given.len()
            ),
        );
        return BTreeMap::new();
    }
    let mut checked = BTreeMap::new();
    for (key, value) in given {
        if !is_attribute_key(key) {
            violations.add(prefix, "has a key that is not 1 to 64 letters, digits, _, - or .");
            continue;
        }
        if let Some(value) = text::optional(&format!("{prefix}.{key}"), value, MAX_ATTRIBUTE, violations) {
            checked.insert(key.clone(), value);
        }
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon(minute: u32) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute.into())
    }

    #[test]
    fn newer_values_win_and_absent_ones_do_not_erase() {
        let old = Profile {
            name: Some("Ana".into()),
            phone: Some("+34600".into()),
            ..Profile::default()
        };
        let newer = Profile {
            name: Some("Ana Ruiz".into()),
            ..Profile::default()
        };
        let merged = old.updated_by(&newer, noon(1));
        assert_eq!(merged.name.as_deref(), Some("Ana Ruiz"));
        assert_eq!(merged.phone.as_deref(), Some("+34600"));
        assert_eq!(merged.filled(), Field::Name.bit() + Field::Phone.bit());
    }

    #[test]
    fn what_was_said_earlier_fills_gaps_but_replaces_nothing() {
        let mut contact = Contact::default();
        let said = |name: &str, company: Option<&str>| Profile {
            name: Some(name.into()),
            company: company.map(str::to_owned),
            ..Profile::default()
        };
        let page = |page: &str| BTreeMap::from([("page".to_owned(), page.to_owned())]);
        contact.update(&said("Ana Ruiz", None), &page("/pricing"), noon(2));
        contact.update(&said("Ana", Some("Acme")), &page("/"), noon(1));
        assert_eq!(contact.profile.name.as_deref(), Some("Ana Ruiz"));
        assert_eq!(contact.profile.company.as_deref(), Some("Acme"));
        assert_eq!(contact.attributes, page("/pricing"));
        assert_eq!(contact.profile.filled_at.field(Field::Company), Some(noon(1)));
    }

    #[test]
    fn a_second_address_does_not_become_the_primary_one() {
        let with = |email: &str| Profile {
            email: Some(email.into()),
            ..Profile::default()
        };
        let updated = with("ana@acme.com").updated_by(&with("ana@home.com"), noon(1));
        assert_eq!(updated.email.as_deref(), Some("ana@acme.com"));
        assert_eq!(updated.emails(), ["ana@acme.com", "ana@home.com"]);
        assert_eq!(updated.updated_by(&with("ana@home.com"), noon(2)), updated);
    }

    #[test]
    fn the_newest_phone_number_is_the_primary_one_and_all_are_kept() {
        let with = |phone: &str| Profile {
            phone: Some(phone.into()),
            ..Profile::default()
        };
        let mut profile = Profile::default();
        for (phone, minute) in [("+341", 2), ("+342", 3), ("+343", 1), ("+341", 4)] {
            profile = profile.updated_by(&with(phone), noon(minute));
        }
        assert_eq!(profile.phones(), ["+341", "+343", "+342"]);
    }

    #[test]
    fn a_contact_that_joins_another_fills_its_gaps_and_wins_where_it_is_newer() {
        let said = |name: &str, company: Option<&str>, minute| {
            let mut contact = Contact::default();
            let profile = Profile {
                name: Some(name.into()),
                company: company.map(str::to_owned),
                visitors: vec![format!("v-{name}")],
                ..Profile::default()
            };
            contact.update(
                &profile,
                &BTreeMap::from([("page".to_owned(), name.to_owned())]),
                noon(minute),
            );
            contact
        };
        let mut contact = said("Ana", None, 2);
        contact.join(said("A", Some("Acme"), 1));
        contact.join(said("Ana Ruiz", None, 3));
        assert_eq!(contact.profile.name.as_deref(), Some("Ana Ruiz"));
        assert_eq!(contact.profile.company.as_deref(), Some("Acme"));
        assert_eq!(contact.profile.visitors, ["v-Ana", "v-A", "v-Ana Ruiz"]);
        assert_eq!(contact.attributes["page"], "Ana Ruiz");
    }

    #[test]
    fn the_newest_intent_of_a_contact_is_remembered() {
        let intent = |minute| Intent {
            signal: format!("signal_{minute}"),
            detail: String::new(),
            at: noon(minute),
        };
        let mut seen = Seen::default();
        seen.note(Channel::Widget, Some(intent(2)));
        seen.note(Channel::Email, Some(intent(1)));
        seen.note(Channel::Widget, None);
        assert_eq!(seen.intent, Some(intent(2)));
        assert_eq!(seen.channels, [Channel::Widget, Channel::Email]);
    }

    #[test]
    fn rows_without_times_are_read_and_count_as_filled_when_they_were_created() {
        let profile: Profile = serde_json::from_str(r#"{"name":"Ana"}"#).unwrap();
        let mut contact = Contact {
            profile,
            attributes: BTreeMap::from([("page".to_owned(), "/".to_owned())]),
            ..Contact::default()
        };
        contact.assume_filled_at(noon(3));
        let times = &contact.profile.filled_at;
        assert_eq!(times.field(Field::Name), Some(noon(3)));
        assert_eq!(times.attribute("page"), Some(noon(3)));
        assert_eq!(times.field(Field::Phone), None);
        let stored = serde_json::to_string(&contact.profile).unwrap();
        assert_eq!(
            stored,
            r#"{"name":"Ana","filled_at":{"attributes.page":180000000,"name":180000000}}"#
        );
        assert_eq!(serde_json::from_str::<Profile>(&stored).unwrap(), contact.profile);
    }
}

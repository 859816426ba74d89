//! Labelled pairs of leads, and what must hold for every pair.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Default)]
struct Person {
    addresses: Vec<String>,
    phones: Vec<String>,
    visitors: Vec<String>,
    name: Option<String>,
    company: Option<String>,
}

impl Person {
    fn new(address: &str, name: &str) -> Self {
        Self {
            addresses: vec![address.to_owned()],
            name: (!name.is_empty()).then(|| name.to_owned()),
            ..Self::default()
        }
    }

    fn phone(mut self, phone: &str) -> Self {
        self.phones.push(phone.to_owned());
        self
    }

    fn visitor(mut self, visitor: &str) -> Self {
        self.visitors.push(visitor.to_owned());
        self
    }

    fn company(mut self, company: &str) -> Self {
        self.company = Some(company.to_owned());
        self
    }

    fn signals(&self) -> BTreeSet<Signal> {
        let known = Known {
            addresses: &self.addresses,
            phones: &self.phones,
            visitors: &self.visitors,
            name: self.name.as_deref(),
            company: self.company.as_deref(),
        };
        signals(known, Country::parse("ES").as_ref())
    }
}

fn compare(one: &Person, other: &Person) -> Option<Candidate> {
    candidate(&one.signals(), &other.signals(), |_| 2)
}

#[test]
fn one_person_under_two_addresses_is_suggested() {
    use Reason::{AddressVariant, NameAndCompany, Phone, Visitor};
    let ana = || Person::new("ana@acme.com", "Ana Ruiz").company("Acme, S.L.");
    for (label, one, other, score, reasons) in [
        (
            "phone, spelled as at home and as abroad",
            ana().phone("600123456"),
            Person::new("anita@gmail.com", "").phone("+34600123456"),
            70,
            vec![Phone],
        ),
        (
            "name at the company's domain, in another order and without accents",
            ana(),
            Person::new("a.ruiz@acme.com", "RUIZ, Aná"),
            65,
            vec![NameAndCompany],
        ),
        (
            "name and the company by its name, from a private address",
            ana(),
            Person::new("anita@gmail.com", "ana ruiz").company("ACME"),
            65,
            vec![NameAndCompany],
        ),
        (
            "visitor",
            ana().visitor("v-1"),
            Person::new("anita@gmail.com", "").visitor("v-1"),
            60,
            vec![Visitor],
        ),
        (
            "a tag at a company's domain",
            Person::new("ana+ads@acme.com", ""),
            Person::new("ana@acme.com", ""),
            85,
            vec![AddressVariant],
        ),
        (
            "everything at once",
            ana().phone("+34600123456").visitor("v-1"),
            Person::new("ana+ads@acme.com", "Ana Ruiz")
                .phone("600123456")
                .visitor("v-1"),
            99,
            vec![AddressVariant, Phone, NameAndCompany, Visitor],
        ),
    ] {
        assert_eq!(
            compare(&one, &other),
            Some(Candidate { score, reasons }),
            "{label}"
        );
    }
}

#[test]
fn strangers_are_not_suggested() {
    for (label, one, other) in [
        (
            "one name at two companies",
            Person::new("ana@acme.com", "Ana Ruiz"),
            Person::new("ana@globex.com", "Ana Ruiz"),
        ),
        (
            "one name at one free-mail provider",
            Person::new("ana1@gmail.com", "Ana Ruiz"),
            Person::new("ana2@gmail.com", "Ana Ruiz"),
        ),
        (
            "a first name at one company",
            Person::new("ana1@acme.com", "Ana"),
            Person::new("ana2@acme.com", "Ana"),
        ),
        (
            "a phone number that was made up",
            Person::new("ana@acme.com", "").phone("+34000000000"),
            Person::new("bob@globex.com", "").phone("+34000000000"),
        ),
        (
            "a name that was made up",
            Person::new("a@acme.com", "Test Test"),
            Person::new("b@acme.com", "Test Test"),
        ),
        (
            "variants of a shared inbox",
            Person::new("info+a@acme.com", ""),
            Person::new("info+b@acme.com", ""),
        ),
        (
            "addresses that were made up",
            Person::new("test+a@acme.com", "Ana Ruiz"),
            Person::new("test+b@acme.com", "Ana Ruiz"),
        ),
        (
            "numbers of two countries with the same digits",
            Person::new("ana@acme.com", "").phone("+34600123456"),
            Person::new("bob@globex.com", "").phone("+33600123456"),
        ),
    ] {
        assert_eq!(compare(&one, &other), None, "{label}");
    }
}

#[test]
fn what_more_than_twenty_leads_share_is_noise() {
    let (one, other) = (
        Person::new("ana@acme.com", "").phone("+34600123456"),
        Person::new("bob@globex.com", "").phone("+34600123456"),
    );
    let with = |holders: usize| candidate(&one.signals(), &other.signals(), |_| holders);
    assert!(with(20).is_some());
    assert_eq!(with(21), None);
}

#[test]
fn variants_are_one_lead_with_the_switch_and_a_suggestion_without_it() {
    let addresses = |address: &str| vec![address.to_owned()];
    let (dotted, plain) = (
        addresses("ana.ruiz+ads@gmail.com"),
        addresses("anaruiz@gmail.com"),
    );
    assert!(are_one(&dotted, &plain, true));
    assert!(!are_one(&dotted, &plain, false));
    assert!(!are_one(
        &addresses("ana+ads@acme.com"),
        &addresses("ana@acme.com"),
        true
    ));
    let candidate = compare(&Person::new(&dotted[0], ""), &Person::new(&plain[0], ""));
    assert_eq!(candidate.unwrap().reasons, [Reason::AddressVariant]);
}

#[test]
fn legal_forms_can_be_searched() {
    assert!(LEGAL_FORMS.is_sorted());
    assert_eq!(
        company_key("The Acme Group GmbH & Co. KG"),
        Some("acme".to_owned())
    );
    assert_eq!(company_key("Inc."), None);
    assert_eq!(company_key("n/a"), None);
    assert_eq!(company_key("--"), None);
}

fn person() -> impl Strategy<Value = Person> {
    let some = |values: &'static [&'static str]| {
        prop::collection::vec(prop::sample::select(values).prop_map(str::to_owned), 0..3)
    };
    let one = |values: &'static [&'static str]| {
        prop::option::of(prop::sample::select(values).prop_map(str::to_owned))
    };
    (
        some(&[
            "ana@acme.com",
            "ana+x@acme.com",
            "info@acme.com",
            "ana@gmail.com",
            "test@acme.com",
        ]),
        some(&["+34600123456", "600123456", "+34000000000", "12"]),
        some(&["v1", "v2"]),
        one(&["Ana Ruiz", "ruiz ana", "Ana", "n/a", ""]),
        one(&["Acme", "Acme SL", "n/a", ""]),
    )
        .prop_map(|(addresses, phones, visitors, name, company)| Person {
            addresses,
            phones,
            visitors,
            name,
            company,
        })
}

proptest! {
    #[test]
    fn suggestions_are_symmetric_and_scored_by_their_reasons(one in person(), other in person()) {
        let found = compare(&one, &other);
        prop_assert_eq!(&found, &compare(&other, &one));
        if let Some(Candidate { score, reasons }) = found {
            prop_assert!((60..=99).contains(&score), "{}", score);
            prop_assert!(reasons.iter().all(|reason| reason.percent() <= u32::from(score)));
        }
    }
}

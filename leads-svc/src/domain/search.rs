//! What a profile is found by, as terms that storage keeps as keyed hashes: each word of a part, the word's beginnings
//! of 3 to 8 letters, and the whole of the part.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::{contact::Profile, email::Email, identity::read_phone};

const PREFIX_LETTERS: std::ops::RangeInclusive<usize> = 3..=8;
const MAX_WORDS: usize = 40;

/// A part of a profile. All are encrypted at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Full name.
    Name,
    /// Company.
    Company,
    /// Primary address.
    Email,
    /// Job title.
    Title,
    /// Primary phone number: found as a whole only.
    Phone,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 5] = [Part::Name, Part::Company, Part::Email, Part::Title, Part::Phone];
    /// Where a search without a part looks.
    pub const ANYWHERE: [Part; 3] = [Part::Name, Part::Company, Part::Email];

    /// Its name in terms and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Name => "name",
            Part::Company => "company",
            Part::Email => "email",
            Part::Title => "title",
            Part::Phone => "phone",
        }
    }

    /// Its value in a profile.
    pub fn of(self, profile: &Profile) -> Option<&str> {
        match self {
            Part::Name => profile.name.as_deref(),
            Part::Company => profile.company.as_deref(),
            Part::Email => profile.email.as_deref(),
            Part::Title => profile.title.as_deref(),
            Part::Phone => profile.phone.as_deref(),
        }
    }

    /// The form in which two spellings of the whole part are equal.
    ///
    /// # Errors
    /// What is expected of an address or a phone number.
    pub fn whole(self, text: &str) -> Result<String, &'static str> {
        match self {
            Part::Email => Email::parse(text).map(|email| email.as_str().to_owned()),
            Part::Phone => read_phone(text),
            Part::Name | Part::Company | Part::Title => {
                let folded = fold(text);
                let words: Vec<&str> = folded.split_whitespace().collect();
                Ok(words.join(" "))
            }
        }
    }

    /// The term of the whole part, in the form of [`whole`](Self::whole).
    pub fn whole_term(self, whole: &str) -> String {
        format!("{}={whole}", self.name())
    }

    fn word_term(self, word: &str) -> String {
        format!("{}:{word}", self.name())
    }
}

/// What a profile is found by. Words beyond the fortieth are left out.
pub fn terms(profile: &Profile) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for (part, word) in words_of(profile) {
        for letters in PREFIX_LETTERS {
            if let Some((end, _)) = word.char_indices().nth(letters) {
                terms.extend(word.get(..end).map(|beginning| part.word_term(beginning)));
            }
        }
        terms.insert(part.word_term(&word));
    }
    for part in Part::ALL {
        if let Some(Ok(whole)) = part.of(profile).map(|text| part.whole(text)) {
            terms.insert(part.whole_term(&whole));
        }
    }
    terms
}

/// Terms of which a profile has at least one if the word is found in that part, or anywhere.
pub fn terms_of_word(within: Option<Part>, word: &str) -> Vec<String> {
    match within {
        Some(part) => vec![part.word_term(word)],
        // The word alone is what rows have that were written before terms named their part.
        None => Part::ANYWHERE
            .iter()
            .map(|part| part.word_term(word))
            .chain([word.to_owned()])
            .collect(),
    }
}

/// Whether a word is found in that part, or anywhere: the same as having one of its terms.
pub fn finds(profile: &Profile, within: Option<Part>, word: &str) -> bool {
    let is_beginning = PREFIX_LETTERS.contains(&word.chars().count());
    words_of(profile).any(|(part, found)| {
        let is_here = within.map_or_else(|| Part::ANYWHERE.contains(&part), |within| within == part);
        is_here && (found == word || is_beginning && found.starts_with(word))
    })
}

/// Words of a text in the form that searches compare: compatibility-composed, lower case, letters and digits only.
pub fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn words_of(profile: &Profile) -> impl Iterator<Item = (Part, String)> {
    [Part::Name, Part::Company, Part::Email, Part::Title]
        .into_iter()
        .filter_map(move |part| Some((part, part.of(profile)?)))
        .flat_map(|(part, text)| words(text).into_iter().map(move |word| (part, word)))
        .take(MAX_WORDS)
}

fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ana() -> Profile {
        Profile {
            name: Some("Ana  Ruiz".into()),
            company: Some("Acme Werke".into()),
            email: Some("ana.ruiz@acme.example".into()),
            phone: Some("+34600000000".into()),
            ..Profile::default()
        }
    }

    #[test]
    fn finds_words_and_their_beginnings_by_part() {
        let terms = terms(&ana());
        for term in [
            "name:ana",
            "name:rui",
            "email:exa",
            "email:example",
            "company:acm",
            "name=ana ruiz",
            "phone=+34600000000",
        ] {
            assert!(terms.contains(term), "{term} in {terms:?}");
        }
        for term in ["name:an", "company:ana", "company=acme", "phone:+34600000000"] {
            assert!(!terms.contains(term), "{term} in {terms:?}");
        }
    }

    #[test]
    fn other_alphabets_have_words_too() {
        assert_eq!(words("Владимир Ｓmith"), ["владимир", "smith"]);
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        assert_eq!(
            Part::Name.whole(" ANA\u{a0}  ruiz "),
            Part::Name.whole("Ana Ruiz")
        );
        assert_eq!(
            Part::Phone.whole("+34 600 00 00 00"),
            Ok("+34600000000".to_owned())
        );
        assert!(Part::Email.whole("nobody").is_err());
    }

    proptest! {
        #[test]
        fn a_word_is_found_exactly_if_one_of_its_terms_is_there(
            name in proptest::option::of("[aAbß ÄДдﬁ.]{0,12}"),
            company in proptest::option::of("[abc -]{0,90}"),
            title in proptest::option::of("[abc]{0,12}"),
            word in "[abcßäдfi]{1,10}",
        ) {
            let profile = Profile { name, company, title, ..Profile::default() };
            let terms = terms(&profile);
            for within in Part::ALL.into_iter().map(Some).chain([None]) {
                let has_one = terms_of_word(within, &word).iter().any(|term| terms.contains(term));
                prop_assert_eq!(finds(&profile, within, &word), has_one);
            }
        }
    }
}

//! Words of a profile that a search finds: each whole, and its beginnings of 3 to 8 letters.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::contact::Profile;

const PREFIX_LETTERS: std::ops::RangeInclusive<usize> = 3..=8;
const MAX_WORDS: usize = 40;

/// What a profile is found by. Words beyond the fortieth are left out.
pub fn terms(profile: &Profile) -> BTreeSet<String> {
    let texts = [&profile.name, &profile.company, &profile.email];
    let mut terms = BTreeSet::new();
    for word in texts
        .into_iter()
        .flatten()
        .flat_map(|text| words(text))
        .take(MAX_WORDS)
    {
        for letters in PREFIX_LETTERS {
            if let Some((end, _)) = word.char_indices().nth(letters) {
                terms.extend(word.get(..end).map(str::to_owned));
            }
        }
        terms.insert(word);
    }
    terms
}

/// Words of a text in the form that searches compare: compatibility-composed, lower case, letters and digits only.
pub fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_and_their_beginnings() {
        let profile = Profile {
            name: Some("Ana Ruiz".into()),
            email: Some("ana.ruiz@acme.example".into()),
            ..Profile::default()
        };
        let terms = terms(&profile);
        for term in ["ana", "ruiz", "rui", "acme", "acm", "exa", "example"] {
            assert!(terms.contains(term), "{term} in {terms:?}");
        }
        assert!(!terms.contains("an"), "{terms:?}");
    }

    #[test]
    fn other_alphabets_have_words_too() {
        assert_eq!(words("Владимир Ｓmith"), ["владимир", "smith"]);
    }
}

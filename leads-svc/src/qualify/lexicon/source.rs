//! Parses the lexicon files; a line that cannot be read is reported to the tests and skipped in production.

use super::compile::Lang;
use super::concept::Concept;

/// One phrase as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) lang: Lang,
    pub(super) concept: Concept,
    pub(super) value: f64,
    pub(super) elements: Vec<Element>,
}

/// One place of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Element {
    /// One of these words or stems (`stem*`).
    Words(Vec<String>),
    /// The same, or nothing.
    Maybe(Vec<String>),
    /// A figure.
    Figure,
    /// Up to six words.
    Gap,
}

/// Every entry of one file, and the lines that could not be read.
pub(super) fn parse(lang: Lang, text: &str) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut bad) = (Vec::new(), Vec::new());
    let mut classes: Vec<(String, Vec<String>)> = Vec::new();
    let mut concept = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let body = if line.starts_with([' ', '\t']) {
            line
        } else if let Some((name, body)) = line.split_once(':') {
            if let Some(class) = name.strip_prefix('@') {
                classes.push((class.to_owned(), alternatives(body.trim(), &classes)));
                continue;
            }
            concept = Concept::parse(name.trim());
            if concept.is_none() {
                bad.push(line.to_owned());
            }
            body
        } else {
            if !line.trim().is_empty() {
                bad.push(line.to_owned());
            }
            continue;
        };
        let Some(concept) = concept else { continue };
        for phrase in body.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()) {
            match entry(lang, concept, phrase, &classes) {
                Some(entry) => entries.push(entry),
                None => bad.push(phrase.to_owned()),
            }
        }
    }
    (entries, bad)
}

fn entry(lang: Lang, concept: Concept, phrase: &str, classes: &[(String, Vec<String>)]) -> Option<Entry> {
    let (phrase, value) = match phrase.rsplit_once('=') {
        Some((phrase, value)) => (phrase.trim(), value.trim().parse().ok()?),
        None => (phrase, 0.0),
    };
    let mut elements = Vec::new();
    for part in phrase.split_whitespace() {
        match part {
            "#" => elements.push(Element::Figure),
            "~" => elements.push(Element::Gap),
            _ => match part.strip_prefix('[').map(|inner| inner.trim_end_matches(']')) {
                Some(inner) => elements.push(Element::Maybe(alternatives(inner, classes))),
                None if part.contains('|') || part.starts_with('@') => {
                    elements.push(Element::Words(alternatives(part, classes)));
                }
                None => elements.extend(
                    part.split(['\'', '-'])
                        .filter(|w| !w.is_empty())
                        .map(|w| Element::Words(vec![fold(w)])),
                ),
            },
        }
    }
    let anchored = matches!(elements.first(), Some(Element::Words(_)));
    let closed = !matches!(elements.last(), Some(Element::Gap));
    let filled = elements.iter().all(|element| match element {
        Element::Words(words) | Element::Maybe(words) => !words.is_empty(),
        Element::Figure | Element::Gap => true,
    });
    (anchored && closed && filled).then_some(Entry {
        lang,
        concept,
        value,
        elements,
    })
}

fn alternatives(text: &str, classes: &[(String, Vec<String>)]) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split('|').map(str::trim).filter(|part| !part.is_empty()) {
        match part.strip_prefix('@') {
            Some(name) => {
                words.extend(
                    classes
                        .iter()
                        .filter(|(class, _)| class == name)
                        .flat_map(|(_, w)| w.clone()),
                );
            }
            None => words.push(fold(part)),
        }
    }
    words
}

/// Folds a lexicon word as the tokeniser folds text, keeping a final `*`.
fn fold(word: &str) -> String {
    let tokens = crate::qualify::token::Tokens::read(word.trim_end_matches('*'));
    let mut folded = tokens.word(0).to_owned();
    if word.ends_with('*') {
        folded.push('*');
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lexicon_line_is_readable() {
        for (lang, text) in super::super::compile::SOURCES {
            let (entries, bad) = parse(*lang, text);
            assert!(bad.is_empty(), "{lang:?}: {bad:?}");
            assert!(!entries.is_empty());
        }
    }

    #[test]
    fn phrases_have_options_gaps_classes_and_values() {
        let (entries, bad) = parse(
            Lang::En,
            "@who: i|we\ni_decide: @who [will] decide*, half ~ of=0.5\n",
        );
        assert!(bad.is_empty(), "{bad:?}");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].elements.len(), 3);
        assert!((entries[1].value - 0.5).abs() < 1e-9);
    }
}

//! Turns the lexicon files into one automaton: a byte trie of words and stems, and phrases by their first word.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::concept::Concept;
use super::source::{self, Element};

/// A language of the lexicons; `Shared` holds what every language borrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Lang {
    Shared,
    En,
    De,
    Es,
    Fr,
    Pt,
    Hi,
}

impl Lang {
    /// The languages that text can be in.
    pub(crate) const SPOKEN: [Self; 6] = [Self::En, Self::De, Self::Es, Self::Fr, Self::Pt, Self::Hi];

    /// Its place in a bit set.
    pub(crate) fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

pub(super) const SOURCES: &[(Lang, &str)] = &[
    (Lang::Shared, include_str!("shared.lex")),
    (Lang::En, include_str!("en.lex")),
    (Lang::De, include_str!("de.lex")),
    (Lang::Es, include_str!("es.lex")),
    (Lang::Fr, include_str!("fr.lex")),
    (Lang::Pt, include_str!("pt.lex")),
    (Lang::Hi, include_str!("hi.lex")),
];

pub(super) const FIRST_OF_PAIR: u8 = 1;
pub(super) const SECOND_OF_PAIR: u8 = 2;

/// A word or stem by number; 0 is none.
pub(crate) type Atom = u32;

/// One compiled phrase.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) concept: Concept,
    pub(super) lang: u8,
    pub(super) value: f64,
    pub(super) rest: Box<[Step]>,
}

/// What follows the first word of a phrase.
#[derive(Debug)]
pub(super) enum Step {
    Words(Box<[Atom]>),
    Maybe(Box<[Atom]>),
    Figure,
    Gap,
}

/// A node of the trie; its edges are `edges..edges + count` of the lexicon's edge lists.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Node {
    edges: u32,
    count: u32,
    pub(super) exact: Atom,
    pub(super) stem: Atom,
}

/// A node while the trie grows.
#[derive(Debug, Default)]
struct Draft {
    edges: Vec<(u8, u32)>,
    exact: Atom,
    stem: Atom,
}

/// The compiled lexicons of all languages.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    pub(super) nodes: Vec<Node>,
    /// The node of each first byte; 0 where no word starts with it.
    pub(super) roots: Vec<u32>,
    pub(super) patterns: Vec<Pattern>,
    edge_bytes: Vec<u8>,
    edge_nodes: Vec<u32>,
    drafts: Vec<Draft>,
    /// Patterns that begin with the atom and go on with anything but a certain word.
    pub(super) by_first: Vec<Vec<(u8, u32)>>,
    /// Patterns by their first two words; sorted.
    pairs: Vec<(Atom, Atom, u32)>,
    /// By atom: where its pairs are in `pairs`.
    pair_ranges: Vec<(u32, u32)>,
    /// By atom: bit 0 when a pair begins with it, bit 1 when one ends with it.
    pair_parts: Vec<u8>,
    /// Languages that the atom speaks for: it is a function word of theirs, or a word of theirs alone.
    pub(super) votes: Vec<u8>,
    /// Languages that have the atom in any phrase.
    pub(super) known: Vec<u8>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::build);

impl Lexicon {
    /// The one instance; built at the first call.
    pub(crate) fn get() -> &'static Self {
        &LEXICON
    }

    fn build() -> Self {
        let mut lexicon = Self {
            drafts: vec![Draft::default()],
            pair_parts: vec![0],
            by_first: vec![Vec::new()],
            votes: vec![0],
            known: vec![0],
            ..Self::default()
        };
        let mut atoms: HashMap<String, Atom> = HashMap::new();
        for (lang, text) in SOURCES {
            for entry in source::parse(*lang, text).0 {
                lexicon.add(&entry, &mut atoms);
            }
        }
        lexicon.roots = vec![0; 256];
        lexicon.pairs.sort_unstable();
        lexicon.pair_ranges = vec![(0, 0); lexicon.by_first.len()];
        for (at, pair) in (0u32..).zip(&lexicon.pairs) {
            if let Some(range) = lexicon.pair_ranges.get_mut(pair.0 as usize) {
                *range = (if range.1 == 0 { at } else { range.0 }, at + 1);
            }
        }
        lexicon.flatten();
        let edges: Vec<(u8, u32)> = lexicon
            .drafts
            .first()
            .map(|root| root.edges.clone())
            .unwrap_or_default();
        lexicon.drafts = Vec::new();
        for (byte, node) in edges {
            if let Some(slot) = lexicon.roots.get_mut(usize::from(byte)) {
                *slot = node;
            }
        }
        for (votes, known) in lexicon.votes.iter_mut().zip(&lexicon.known) {
            if known.count_ones() == 1 && known & Lang::Shared.bit() == 0 {
                *votes |= known;
            }
        }
        lexicon
    }

    fn add(&mut self, entry: &source::Entry, atoms: &mut HashMap<String, Atom>) {
        let Some(Element::Words(first)) = entry.elements.first() else {
            return;
        };
        let first = self.atoms(first, atoms);
        let rest: Box<[Step]> = entry
            .elements
            .iter()
            .skip(1)
            .map(|element| match element {
                Element::Words(words) => Step::Words(self.atoms(words, atoms)),
                Element::Maybe(words) => Step::Maybe(self.atoms(words, atoms)),
                Element::Figure => Step::Figure,
                Element::Gap => Step::Gap,
            })
            .collect();
        let votes = entry.concept == Concept::Function && rest.is_empty();
        let index = self.patterns.len() as u32;
        let second = match rest.first() {
            Some(Step::Words(second)) => Some(second.clone()),
            _ => None,
        };
        for atom in &first {
            if let Some(second) = &second {
                self.pairs.extend(second.iter().map(|next| (*atom, *next, index)));
                self.mark(*atom, FIRST_OF_PAIR);
                second.iter().for_each(|next| self.mark(*next, SECOND_OF_PAIR));
            } else if let Some(list) = self.by_first.get_mut(*atom as usize).filter(|_| !votes) {
                list.push((entry.lang.bit(), index));
            }
            if let Some(mask) = self.votes.get_mut(*atom as usize).filter(|_| votes) {
                *mask |= entry.lang.bit();
            }
            if let Some(mask) = self.known.get_mut(*atom as usize) {
                *mask |= entry.lang.bit();
            }
        }
        self.patterns.push(Pattern {
            concept: entry.concept,
            lang: entry.lang.bit(),
            value: entry.value,
            rest,
        });
    }

    fn atoms(&mut self, words: &[String], atoms: &mut HashMap<String, Atom>) -> Box<[Atom]> {
        let mut list: Vec<Atom> = words.iter().map(|word| self.atom(word, atoms)).collect();
        list.sort_unstable();
        list.dedup();
        list.into_boxed_slice()
    }

    fn atom(&mut self, word: &str, atoms: &mut HashMap<String, Atom>) -> Atom {
        if let Some(atom) = atoms.get(word) {
            return *atom;
        }
        let atom = self.by_first.len() as Atom;
        self.by_first.push(Vec::new());
        self.votes.push(0);
        self.known.push(0);
        self.pair_parts.push(0);
        atoms.insert(word.to_owned(), atom);
        let stem = word.strip_suffix('*');
        let mut at = 0;
        for byte in stem.unwrap_or(word).bytes() {
            at = self.child(at, byte);
        }
        if let Some(node) = self.drafts.get_mut(at) {
            *if stem.is_some() {
                &mut node.stem
            } else {
                &mut node.exact
            } = atom;
        }
        atom
    }

    fn child(&mut self, at: usize, byte: u8) -> usize {
        let next = self.drafts.len();
        let Some(node) = self.drafts.get_mut(at) else {
            return 0;
        };
        if let Some((_, child)) = node.edges.iter().find(|(edge, _)| *edge == byte) {
            return *child as usize;
        }
        node.edges.push((byte, next as u32));
        self.drafts.push(Draft::default());
        next
    }

    fn mark(&mut self, atom: Atom, part: u8) {
        if let Some(parts) = self.pair_parts.get_mut(atom as usize) {
            *parts |= part;
        }
    }

    /// Lays the trie out in flat lists, which a lookup walks without following pointers.
    fn flatten(&mut self) {
        for draft in &self.drafts {
            let edges = self.edge_bytes.len() as u32;
            for (byte, node) in &draft.edges {
                self.edge_bytes.push(*byte);
                self.edge_nodes.push(*node);
            }
            let count = draft.edges.len() as u32;
            self.nodes.push(Node {
                edges,
                count,
                exact: draft.exact,
                stem: draft.stem,
            });
        }
    }

    /// The node behind `byte`, or `None` where no word goes on like that.
    pub(super) fn step(&self, node: Node, byte: u8) -> Option<u32> {
        let from = node.edges as usize;
        let bytes = self.edge_bytes.get(from..from + node.count as usize)?;
        let at = bytes.iter().position(|edge| *edge == byte)?;
        self.edge_nodes.get(from + at).copied()
    }

    /// Whether a pair begins (`FIRST_OF_PAIR`) or ends (`SECOND_OF_PAIR`) with the atom.
    pub(super) fn is_part(&self, atom: Atom, part: u8) -> bool {
        self.pair_parts
            .get(atom as usize)
            .is_some_and(|parts| parts & part != 0)
    }

    /// The patterns that begin with these two words.
    pub(super) fn pair(&self, first: Atom, second: Atom) -> impl Iterator<Item = u32> + '_ {
        let (from, to) = self.pair_ranges.get(first as usize).copied().unwrap_or_default();
        let pairs = self.pairs.get(from as usize..to as usize).unwrap_or(&[]);
        let at = pairs.partition_point(|pair| pair.1 < second);
        pairs
            .iter()
            .skip(at)
            .take_while(move |pair| pair.1 == second)
            .map(|pair| pair.2)
    }
}

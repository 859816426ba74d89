//! Cuts a message into tokens with byte offsets; words are folded to lower case without accents.

use unicode_normalization::char::decompose_canonical;

use super::number;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Letters, possibly with digits after them (`q3`).
    Word,
    /// A plain figure, with the separators resolved.
    Number(f64),
    /// Two or three figures written as a date (`12.03.`, `3/12/2025`, `2025-03-12`).
    Date([u16; 3]),
    /// A time of day or a rate that only looks like a figure (`4:30`, `24/7`).
    Clock,
    /// One currency sign.
    Currency(char),
    /// `%`.
    Percent,
    /// Ends a sentence.
    Stop,
    /// `?`, which ends a sentence as well.
    Question,
    /// Line break; ends a sentence.
    Newline,
    /// Comma, parenthesis, spaced dash: separates clauses within a sentence.
    Break,
    /// `+`, `=`, `~`, a dash without spaces and the like.
    Sign(char),
}

impl Kind {
    /// Whether a sentence ends here.
    pub(crate) fn ends_sentence(self) -> bool {
        matches!(self, Self::Stop | Self::Question | Self::Newline)
    }
}

/// One token; offsets are bytes of the message, `fold` bytes of [`Tokens::folded`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) kind: Kind,
    /// No space between this and the token before.
    pub(crate) glued: bool,
    fold: (u32, u32),
}

/// A message in tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) list: Vec<Token>,
    folded: String,
}

impl Tokens {
    /// The folded word at `index`; empty for what is no word.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.list
            .get(index)
            .and_then(|token| self.folded.get(token.fold.0 as usize..token.fold.1 as usize))
            .unwrap_or("")
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Token> {
        self.list.get(index)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Tokenises `text`; a message longer than 4 GiB is cut there.
    pub(crate) fn read(text: &str) -> Self {
        let mut tokens = Self {
            list: Vec::with_capacity(text.len() / 5 + 2),
            folded: String::with_capacity(text.len()),
        };
        let mut at = 0;
        let mut glued = false;
        while let Some(rest) = text
            .get(at..)
            .filter(|rest| !rest.is_empty() && at < u32::MAX as usize)
        {
            let Some(first) = rest.chars().next() else { break };
            if first == '\n' {
                tokens.push(at, at + 1, Kind::Newline, glued);
                (at, glued) = (at + 1, false);
            } else if first.is_whitespace() || is_joiner(first) {
                at += first.len_utf8();
                glued = glued && is_joiner(first);
            } else if first.is_ascii_digit() {
                let (kind, len) = number::lex(rest);
                tokens.push(at, at + len, kind, glued);
                (at, glued) = (at + len, true);
            } else if first.is_alphanumeric() {
                let len = tokens.word_at(rest, at, glued);
                (at, glued) = (at + len, true);
            } else {
                let kind = tokens.sign(first, rest, glued);
                if let Some(kind) = kind {
                    tokens.push(at, at + first.len_utf8(), kind, glued);
                }
                at += first.len_utf8();
                glued = true;
            }
        }
        tokens
    }

    fn push(&mut self, start: usize, end: usize, kind: Kind, glued: bool) {
        let fold = self.folded.len() as u32;
        self.list.push(Token {
            start: start as u32,
            end: end as u32,
            kind,
            glued,
            fold: (fold, fold),
        });
    }

    /// Reads a word at the head of `rest` and returns its length in bytes.
    fn word_at(&mut self, rest: &str, at: usize, glued: bool) -> usize {
        let fold_start = self.folded.len() as u32;
        let mut len = 0;
        for c in rest.chars() {
            if c.is_ascii_alphanumeric() {
                self.folded.push(c.to_ascii_lowercase());
            } else if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) {
                fold_into(c, &mut self.folded);
            } else {
                break;
            }
            len += c.len_utf8();
        }
        let fold = (fold_start, self.folded.len() as u32);
        self.list.push(Token {
            start: at as u32,
            end: (at + len) as u32,
            kind: Kind::Word,
            glued,
            fold,
        });
        len
    }

    fn sign(&self, c: char, rest: &str, glued: bool) -> Option<Kind> {
        let next = rest.chars().nth(1);
        let tight = next.is_some_and(char::is_alphanumeric);
        Some(match c {
            '€' | '$' | '£' | '₹' | '¥' | '₺' | '₽' | '₩' | '₴' | '₪' => Kind::Currency(c),
            '%' | '٪' => Kind::Percent,
            '.' | '…' if (tight && glued) || self.abbreviated(rest) => return None,
            '.' | '…' | '!' | '¡' | ';' | '。' | '।' => Kind::Stop,
            '?' | '¿' | '؟' => Kind::Question,
            ':' if tight && glued => return None,
            ':' => Kind::Stop,
            '\'' | '’' | '‘' | '`' | '´' | '_' if tight && glued => return None,
            ',' | '(' | ')' | '[' | ']' | '—' | '|' | '"' | '“' | '”' | '„' | '«' | '»' => {
                Kind::Break
            }
            '-' | '–' if glued && tight => Kind::Sign('-'),
            '-' | '–' | '•' | '*' => Kind::Break,
            '/' | '=' | '+' | '#' | '@' | '&' | '>' | '<' | '~' => Kind::Sign(c),
            _ => return None,
        })
    }

    /// Whether the dot at the head of `rest` belongs to an abbreviation or an ordinal.
    fn abbreviated(&self, rest: &str) -> bool {
        const SHORT: &[&str] = &[
            "ca", "approx", "incl", "inkl", "bzw", "zzgl", "nr", "dr", "mr", "mrs", "ms", "st", "sra", "sr",
            "vs", "etc", "max", "min", "mio", "tsd", "ggf", "evtl", "env", "aprox", "dept", "rs", "bj",
            "jan", "feb", "aug", "sept", "okt", "oct", "nov", "dez", "dec",
        ];
        let Some(last) = self.list.last() else {
            return false;
        };
        let followed = rest.get(1..).unwrap_or("").trim_start_matches([' ', '\u{a0}']);
        match last.kind {
            Kind::Word => {
                let word = self.word(self.list.len().saturating_sub(1));
                SHORT.contains(&word) && followed.chars().next().is_some_and(char::is_alphanumeric)
            }
            Kind::Number(day) if (1.0..=31.0).contains(&day) && day.fract() == 0.0 => {
                const ORDINAL: &[&str] = &[
                    "jan", "feb", "mär", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov",
                    "dez", "qua", "hal", "woc", "tag",
                ];
                let head: String = followed.chars().take(3).flat_map(char::to_lowercase).collect();
                ORDINAL.contains(&head.as_str())
            }
            Kind::Number(_)
            | Kind::Date(_)
            | Kind::Clock
            | Kind::Currency(_)
            | Kind::Percent
            | Kind::Stop
            | Kind::Question
            | Kind::Newline
            | Kind::Break
            | Kind::Sign(_) => false,
        }
    }
}

/// Folds one character: lower case, canonical base letter without marks, `ß` as `ss`, `œ` as `oe`.
fn fold_into(c: char, out: &mut String) {
    match c {
        'ß' | 'ẞ' => out.push_str("ss"),
        'œ' | 'Œ' => out.push_str("oe"),
        'æ' | 'Æ' => out.push_str("ae"),
        'ø' | 'Ø' => out.push('o'),
        'ı' => out.push('i'),
        'ł' | 'Ł' => out.push('l'),
        _ => decompose_canonical(c, |part| {
            if !unicode_normalization::char::is_combining_mark(part) || is_indic(part) {
                out.extend(part.to_lowercase());
            }
        }),
    }
}

/// Vowel signs of Indic scripts are letters in all but name.
fn is_indic(c: char) -> bool {
    ('\u{900}'..='\u{dff}').contains(&c)
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' | '\u{ad}' | '\u{202a}'..='\u{202e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = Tokens::read(text);
        (0..tokens.len())
            .map(|i| tokens.word(i).to_owned())
            .filter(|w| !w.is_empty())
            .collect()
    }

    #[test]
    fn words_lose_case_and_accents() {
        assert_eq!(
            words("Straße ÉTÉ año café'm Q3"),
            ["strasse", "ete", "ano", "cafe", "m", "q3"]
        );
    }

    #[test]
    fn a_dot_ends_a_sentence_only_after_a_word_that_is_no_abbreviation() {
        let stops = |text: &str| {
            Tokens::read(text)
                .list
                .iter()
                .filter(|t| matches!(t.kind, Kind::Stop))
                .count()
        };
        assert_eq!(stops("ca. 60 qm, am 15. März. Danke."), 2);
        assert_eq!(stops("12k p.a. fine"), 1);
    }

    #[test]
    fn offsets_are_on_character_boundaries() {
        let text = "é₹5 – “Übung” 👍🏽 नमस्ते १२";
        for token in &Tokens::read(text).list {
            assert!(text.get(token.start as usize..token.end as usize).is_some());
        }
    }
}

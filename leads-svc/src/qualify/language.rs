//! Which languages a message is in: function words vote, and the conversation settles what is too short to tell.

use super::lexicon::Lang;

/// Votes a language needs in a message to be believed against the conversation.
const SURE: u16 = 3;

/// The bit set of languages to read a message in.
///
/// `here` are the votes of the message, `all` those of the conversation. Speakers mix: a second language with at
/// least two fifths of the winner's votes is read as well, and Hinglish always together with English.
pub(crate) fn active(here: &[u16; 8], all: &[u16; 8]) -> u8 {
    let best = |votes: &[u16; 8]| {
        Lang::SPOKEN
            .into_iter()
            .max_by_key(|lang| (votes.get(*lang as usize).copied(), *lang == Lang::En))
    };
    let count = |votes: &[u16; 8], lang: Lang| votes.get(lang as usize).copied().unwrap_or(0);
    let (Some(mine), Some(common)) = (best(here), best(all)) else {
        return u8::MAX;
    };
    let mut bits = Lang::Shared.bit();
    let most = count(here, mine);
    let sure = most >= SURE && most > count(here, common);
    let winner = if sure { mine } else { common };
    bits |= winner.bit();
    for lang in Lang::SPOKEN {
        let votes = count(here, lang);
        let close = votes >= 2 && votes * 5 >= most * 4 && count(all, lang) * 5 >= count(all, common) * 2;
        if close {
            bits |= lang.bit();
        }
    }
    if count(all, common) == 0 {
        bits |= Lang::SPOKEN.into_iter().fold(0, |all, lang| all | lang.bit());
    }
    if bits & Lang::Hi.bit() != 0 {
        bits |= Lang::En.bit();
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::{Lexicon, atoms_of};
    use super::super::token::Tokens;
    use super::*;

    fn languages(text: &str) -> u8 {
        let votes = atoms_of(Lexicon::get(), &Tokens::read(text)).votes;
        active(&votes, &votes)
    }

    #[test]
    fn function_words_decide() {
        for (text, lang) in [
            ("we are looking for a tool that does the invoices", Lang::En),
            ("wir suchen ein Werkzeug, das die Rechnungen schreibt", Lang::De),
            ("buscamos una herramienta para las facturas", Lang::Es),
            ("nous cherchons un outil pour les factures", Lang::Fr),
            ("a gente precisa de uma ferramenta pra emitir nota", Lang::Pt),
            ("hume ek tool chahiye jo bill bana sake", Lang::Hi),
        ] {
            assert!(languages(text) & lang.bit() != 0, "{text}");
        }
    }

    #[test]
    fn hinglish_is_read_with_english() {
        assert!(languages("bhai mera budget kam hai") & Lang::En.bit() != 0);
    }
}

//! Roles: the one a title stands for, and the one a visitor says they have.

use crate::domain::conversation::Role;

use super::answer::Asked;
use super::evidence::{AuthorityLevel, Quote};
use super::lexicon::{Concept, Lang, Lexicon, Span, atoms_of, find_spans};
use super::message::{Clause, Message};
use super::talk::Talk;
use super::token::Tokens;

const ROLES: [(Concept, AuthorityLevel); 3] = [
    (Concept::TopRole, AuthorityLevel::DecisionMaker),
    (Concept::MidRole, AuthorityLevel::Influencer),
    (Concept::LowRole, AuthorityLevel::User),
];

/// The level that the title of the profile stands for.
pub(super) fn title(talk: &Talk<'_>) -> Option<AuthorityLevel> {
    let text = talk.profile.title?;
    let lexicon = Lexicon::get();
    let tokens = Tokens::read(text);
    let every = Lang::SPOKEN
        .into_iter()
        .fold(Lang::Shared.bit(), |bits, lang| bits | lang.bit());
    let spans = find_spans(lexicon, &tokens, &atoms_of(lexicon, &tokens), every);
    let message = Message::new(0, Role::Visitor, text, tokens, spans);
    let has = |concept| message.spans.iter().any(|span| span.concept == concept);
    let first = |concept| {
        message
            .spans
            .iter()
            .filter(|span| span.concept == concept)
            .map(|span| span.first)
            .min()
    };
    if has(Concept::IWas) {
        return None;
    }
    let low = first(Concept::LowRole);
    match (first(Concept::TopRole), low) {
        (Some(top), Some(low)) if low < top => Some(AuthorityLevel::User),
        (Some(_), _) => Some(AuthorityLevel::DecisionMaker),
        (None, Some(_)) if !has(Concept::MidRole) || low == Some(0) => Some(AuthorityLevel::User),
        (None, _) => (message.words(0, message.tokens.len()) > 0).then_some(AuthorityLevel::Influencer),
    }
}

/// The visitor's own role in a clause: "I am the …", a signature, an answer, or a heading like "owner here".
pub(super) fn own_role(
    message: &Message<'_>,
    clause: &Clause,
    asked: &Asked,
) -> Option<(AuthorityLevel, Option<Quote>)> {
    if clause.has(Concept::IWas) && !clause.has(Concept::IAm) {
        return None;
    }
    let role_of = |span: &Span| {
        ROLES
            .iter()
            .find(|(concept, _)| *concept == span.concept)
            .map(|(_, level)| *level)
    };
    let words = message.words(clause.first, clause.last);
    let mut best: Option<(usize, AuthorityLevel, &Span)> = None;
    for span in message.spans_in(clause.first, clause.last) {
        let Some(level) = role_of(span) else { continue };
        let after_i_am = message
            .spans_in(clause.first, span.first + 1)
            .filter(|am| am.concept == Concept::IAm && am.last <= span.first && span.first - am.last <= 5)
            .any(|am| {
                !message.spans_in(am.first, span.first).any(|s| {
                    matches!(
                        s.concept,
                        Concept::Neg | Concept::Mine | Concept::Our | Concept::IWas
                    )
                })
            });
        let before_i_am = (span.last..span.last + 3).any(|at| {
            at < clause.last
                && matches!(
                    message.tokens.word(at),
                    "hu" | "hoon" | "hun" | "here" | "hier" | "aqui" | "ici"
                )
        });
        let possessed = message
            .spans_in(span.first.saturating_sub(2).max(clause.first), span.first)
            .any(|s| {
                matches!(
                    s.concept,
                    Concept::Mine | Concept::Our | Concept::Other | Concept::Neg
                )
            });
        let heads = span.first <= clause.first + 1
            && !possessed
            && !clause.any(&[
                Concept::Decide,
                Concept::OthersDecide,
                Concept::NeedsOk,
                Concept::Want,
                Concept::Past,
            ])
            && (asked.authority() || words <= 6 && (clause.signature || clause.first == 0));
        let signed = clause.signature && words <= 10 && !possessed;
        if (after_i_am || before_i_am || heads || signed) && !(heads && clause.question) {
            let rank = if after_i_am { 0 } else { 1 };
            let earlier = best.is_none_or(|(old, level_old, old_span)| {
                rank < old
                    || rank == old && span.first == old_span.first && level > level_old
                    || rank == old && signed && level > level_old
            });
            if earlier {
                best = Some((rank, level, span));
            }
        }
    }
    best.map(|(_, level, span)| (level, message.quote(span.first, span.last)))
}

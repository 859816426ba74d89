//! Timing: of all dates in the talk the one on which they want to start, and what was said about hurry.

use super::answer::{Asked, Polarity, polarity};
use super::date::{self, Form, When};
use super::evidence::{Finding, Quote, Reason, TimingLevel};
use super::lexicon::Concept;
use super::message::{Clause, Message};
use super::talk::Talk;

const SOON_DAYS: i64 = 90;
const MID_DAYS: i64 = 180;
/// The score from which a date is believed to be the wanted one.
const BELIEVED: i32 = 2;

struct Candidate {
    days: i64,
    score: i32,
    quote: Option<Quote>,
    urgent: bool,
}

/// Judges the timing.
pub(crate) fn find(talk: &Talk<'_>) -> Finding<TimingLevel> {
    if !talk.context.buys() {
        return Finding::nothing(Reason::NotBuying);
    }
    let mut best: Option<Candidate> = None;
    let mut no_hurry: Option<Quote> = None;
    for (message, asked) in talk.visitor() {
        for candidate in candidates(talk, message, asked) {
            let better = best.as_ref().is_none_or(|best| {
                candidate.score > best.score || candidate.score == best.score && later(&candidate, best)
            });
            if candidate.score >= BELIEVED && better {
                best = Some(candidate);
            }
        }
        let calm = message
            .clauses
            .iter()
            .find(|clause| clause.has(Concept::NoRush) && !clause.signature);
        no_hurry = no_hurry.or_else(|| calm.and_then(|clause| calm_quote(message, clause)));
    }
    match (best, no_hurry) {
        (Some(best), Some(quote)) if best.urgent => Finding {
            level: TimingLevel::Later,
            quote: Some(quote),
            reason: Reason::NoHurry,
        },
        (Some(best), _) => Finding {
            level: level(best.days),
            quote: best.quote,
            reason: if best.urgent {
                Reason::Urgent
            } else {
                Reason::DateNamed
            },
        },
        (None, Some(quote)) => Finding {
            level: TimingLevel::Later,
            quote: Some(quote),
            reason: Reason::NoHurry,
        },
        (None, None) => Finding::nothing(Reason::NothingSaid),
    }
}

fn level(days: i64) -> TimingLevel {
    if days <= SOON_DAYS {
        TimingLevel::Soon
    } else if days <= MID_DAYS {
        TimingLevel::Mid
    } else {
        TimingLevel::Later
    }
}

/// Of two equally likely dates, one in a later message is the corrected one.
fn later(candidate: &Candidate, best: &Candidate) -> bool {
    match (candidate.quote, best.quote) {
        (Some(new), Some(old)) => new.message > old.message,
        _ => false,
    }
}

fn calm_quote(message: &Message<'_>, clause: &Clause) -> Option<Quote> {
    let span = message.find(clause, Concept::NoRush)?;
    message.quote(span.first, span.last)
}

fn candidates(talk: &Talk<'_>, message: &Message<'_>, asked: &Asked) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut anchor = None;
    for clause in message.clauses.iter().filter(|clause| !clause.signature) {
        for when in date::read(message, clause, &talk.calendar, anchor) {
            if when.form == Form::Date {
                anchor = talk
                    .calendar
                    .today
                    .checked_add(jiff::Span::new().days(when.days))
                    .ok();
            }
            let score = score(talk, message, clause, &when, asked);
            found.push(Candidate {
                days: when.days,
                score,
                quote: message.quote(when.first, when.last),
                urgent: matches!(when.form, Form::Urgent | Form::Now),
            });
        }
    }
    if found.iter().all(|candidate| candidate.score < BELIEVED)
        && asked.timing()
        && polarity(message) == Some(Polarity::Yes)
        && let (Some(days), Some(first)) = (named_in_question(talk, message), message.clauses.first())
    {
        found.push(Candidate {
            days,
            score: 3,
            quote: message.quote_of(first),
            urgent: false,
        });
    }
    found
}

/// The date in the question that a yes confirms.
fn named_in_question(talk: &Talk<'_>, message: &Message<'_>) -> Option<i64> {
    let question = talk.messages.get(message.index.checked_sub(1)?)?;
    let sentences = question
        .sentences
        .iter()
        .filter(|sentence| sentence.question && sentence.has(Concept::AskTiming));
    sentences
        .flat_map(|sentence| date::read(question, sentence, &talk.calendar, None))
        .map(|when| when.days)
        .next()
}

/// How likely a date is the one on which they want to start.
fn score(talk: &Talk<'_>, message: &Message<'_>, clause: &Clause, when: &When, asked: &Asked) -> i32 {
    let sentence = message.sentence(clause);
    let answers = asked.timing() && !asked.budget() || asked.timing() && when.form != Form::Now;
    let mut score = if answers { 5 } else { 0 };
    let starts = clause.any(&[Concept::Start, Concept::Deadline]);
    if starts {
        score += 3;
    } else if sentence.any(&[Concept::Start, Concept::Deadline]) {
        score += 1;
    }
    if clause.any(&[Concept::Want]) || talk.names_product(message) && starts {
        score += 1;
    }
    let lead = message.spans_in(when.first.saturating_sub(3), when.first + 1);
    let led = lead
        .filter(|span| matches!(span.concept, Concept::By | Concept::In))
        .any(|span| span.last <= when.last);
    score += i32::from(led);
    score += match when.form {
        Form::Date => 0,
        Form::Span => 1,
        Form::Duration => -2,
        Form::Urgent => 2,
        Form::Now if clause.last - clause.first <= 4 => 0,
        Form::Now => -2,
        Form::Event => -1,
        Form::Weekday => -4,
    };
    if when.days < 0 {
        score -= 8;
    }
    let past = message
        .spans_in(clause.first, clause.last)
        .any(|span| span.concept == Concept::Past && (span.last <= when.first || span.first >= when.last));
    if past && when.form != Form::Urgent {
        score -= if answers { 2 } else { 4 };
    }
    if clause.has(Concept::Meeting) && !starts {
        score -= 4;
    }
    if clause.any(&[
        Concept::Current,
        Concept::Loss,
        Concept::Revenue,
        Concept::Foreign,
    ]) && !answers
    {
        score -= 3;
    }
    if clause.any(&[Concept::Funds, Concept::Approved]) && !answers {
        score -= 2;
    }
    if clause.any(&[Concept::FiscalStart, Concept::FiscalEnd]) && !clause.has(Concept::Next) {
        score -= 3;
    }
    let urgency = matches!(when.form, Form::Urgent | Form::Now);
    if urgency && clause.any(&[Concept::Neg, Concept::NoRush]) {
        score -= 6;
    }
    if urgency && clause.has(Concept::NoNeed) {
        score -= 8;
    }
    score
}

#[cfg(test)]
mod tests {
    use super::super::examples::check;

    #[test]
    fn soon() {
        check(
            "
            soon; 2025-03-10; 5000 USD; b: When do you need it?|v: end of next month
            soon; 2025-03-10; 5000 USD; v: we need to be live by 4/30
            soon; 2025-03-10; 5000 USD; v: our current contract expires in 7 weeks
            soon; 2025-03-10; 5000 USD; b: what's the timeline|v: the sooner the better tbh
            soon; 2025-03-10; 5000 EUR; b: Wann soll es losgehen?|v: spätestens am 15.04.
            soon; 2025-03-10; 5000 EUR; v: wir brauchen das so schnell wie möglich
            soon; 2025-03-10; 5000 EUR; b: Bis wann?|v: in sechs Wochen läuft der alte Vertrag aus
            soon; 2025-03-10; 5000 EUR; b: ¿Para cuándo?|v: a finales de abril como tarde
            soon; 2025-03-10; 5000 EUR; v: lo necesitamos funcionando antes del 1 de mayo
            soon; 2025-03-10; 5000 EUR; b: Pour quand ?|v: d'ici trois semaines idéalement
            soon; 2025-03-10; 5000 EUR; v: il nous le faut avant Pâques
            soon; 2025-03-10; 20000 BRL; b: Pra quando?|v: mês que vem já quero estar rodando
            soon; 2025-03-10; 20000 BRL; v: preciso disso pra ontem
            soon; 2025-03-10; 200000 INR; b: Kab se chahiye?|v: agle mahine se
            soon; 2025-03-10; 200000 INR; b: Kab tak?|v: 15 din ke andar lag jana chahiye
            ",
            |evidence| evidence.timing.level.key(),
        );
    }

    #[test]
    fn mid() {
        check(
            "
            mid; 2025-03-10; 5000 USD; b: When would you start?|v: in about four months
            mid; 2025-03-10; 5000 USD; v: we'd like to launch in early July
            mid; 2025-03-10; 5000 EUR; b: Ab wann?|v: zum 1. August
            mid; 2025-03-10; 5000 EUR; b: Wann?|v: Mitte Juli, nach den Prüfungen
            mid; 2025-03-10; 5000 EUR; b: ¿Cuándo empezarían?|v: después del verano no, mejor en julio
            mid; 2025-03-10; 5000 EUR; b: Quelle échéance ?|v: à la rentrée
            mid; 2025-03-10; 5000 EUR; b: Vous visez quand ?|v: courant juillet
            mid; 2025-03-10; 20000 BRL; b: Quando começa?|v: no segundo semestre, em julho
            mid; 2025-03-10; 20000 BRL; b: Prazo?|v: daqui a uns 5 meses
            mid; 2025-03-10; 200000 INR; b: Kab start karna hai?|v: 4 mahine baad
            ",
            |evidence| evidence.timing.level.key(),
        );
    }

    #[test]
    fn later() {
        check(
            "
            later; 2025-03-10; 5000 USD; b: When?|v: not before Q1 next year
            later; 2025-03-10; 5000 USD; v: no particular rush, just kicking tyres and exploring options
            later; 2025-03-10; 5000 EUR; b: Wann?|v: frühestens im Herbst 2026
            later; 2025-03-10; 5000 EUR; b: Zeitplan?|v: hat keine Eile
            later; 2025-03-10; 5000 EUR; b: ¿Para cuándo?|v: el año que viene, sin prisa
            later; 2025-03-10; 5000 EUR; b: Pour quand ?|v: l'année prochaine, rien ne presse
            later; 2025-03-10; 20000 BRL; b: Quando?|v: só ano que vem
            later; 2025-03-10; 20000 BRL; v: tô só dando uma olhada por enquanto
            later; 2025-03-10; 200000 INR; b: Kab?|v: Diwali ke baad dekhenge
            later; 2025-03-10; 200000 INR; v: abhi koi jaldi nahi hai, aaram se
            ",
            |evidence| evidence.timing.level.key(),
        );
    }

    #[test]
    fn no_buying_date() {
        check(
            "
            none; 2025-03-10; 5000 USD; v: last December we had three outages
            none; 2025-03-10; 5000 USD; v: can we talk on Thursday at 3?
            none; 2025-03-10; 5000 USD; v: I don't need anything right now
            none; 2025-03-10; 5000 USD; b: When do you need it?|v: I don't need anything right now
            none; 2025-03-10; 5000 EUR; v: seit Januar läuft hier nichts mehr rund
            none; 2025-03-10; 5000 EUR; v: el mes pasado perdimos 20 pedidos
            none; 2025-03-10; 5000 EUR; v: depuis septembre on perd des clients
            none; 2025-03-10; 20000 BRL; v: em janeiro perdemos 12 clientes
            none; 2025-03-10; 200000 INR; v: pichle mahine 30 lead kho gaye
            ",
            |evidence| evidence.timing.level.key(),
        );
    }
}

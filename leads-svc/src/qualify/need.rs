//! Need: a concrete problem with scale or impact, a wish, or nothing to sell to.

use super::answer::{Asked, Polarity, polarity};
use super::context::Kind;
use super::evidence::{Finding, NeedLevel, Quote, Reason};
use super::lexicon::Concept;
use super::message::{Clause, Message};
use super::money;
use super::talk::Talk;
use super::token;

/// The score from which a sentence tells a concrete problem.
const CONCRETE: i32 = 4;

/// Judges the need.
pub(crate) fn find(talk: &Talk<'_>) -> Finding<NeedLevel> {
    match talk.context.kind {
        Kind::Buyer => {}
        Kind::Support => return Finding::nothing(Reason::NotBuying),
        Kind::Applicant | Kind::Vendor | Kind::Student | Kind::Stray | Kind::Tester => {
            return Finding {
                level: NeedLevel::None,
                quote: talk.context.quote,
                reason: Reason::NotBuying,
            };
        }
    }
    let mut passage: Option<Passage> = None;
    let mut best = i32::MIN;
    let mut vague: Option<(i32, Option<Quote>)> = None;
    let mut refused: Option<Quote> = None;
    let mut denied = false;
    for (message, asked) in talk.visitor() {
        denied |= denies_problem(message, asked);
        for sentence in message.sentences.iter().filter(|sentence| !sentence.signature) {
            let score = problem(talk, message, sentence, asked);
            best = best.max(score);
            if score >= CONCRETE {
                extend(&mut passage, message, sentence, score);
            }
            let interest = interest(talk, message, sentence, asked);
            if interest > 0 && vague.as_ref().is_none_or(|vague| interest > vague.0) {
                vague = Some((interest, message.quote_of(sentence)));
            }
            if sentence.has(Concept::NoNeed) && refused.is_none() {
                refused = message
                    .clauses
                    .iter()
                    .find(|c| c.sentence == sentence.sentence && c.has(Concept::NoNeed))
                    .and_then(|c| message.quote_of(c));
            }
        }
    }
    let bar = if denied { CONCRETE + 3 } else { CONCRETE };
    if let Some(passage) = passage.filter(|_| best >= bar) {
        return Finding {
            level: NeedLevel::Specific,
            quote: Some(passage.quote),
            reason: Reason::ProblemTold,
        };
    }
    if let Some(quote) = refused.filter(|_| vague.as_ref().is_none_or(|vague| vague.0 < 3)) {
        return Finding {
            level: NeedLevel::None,
            quote: Some(quote),
            reason: Reason::NothingNeeded,
        };
    }
    match vague {
        Some((_, quote)) => Finding {
            level: NeedLevel::Vague,
            quote,
            reason: Reason::InterestOnly,
        },
        None => Finding::nothing(Reason::NothingSaid),
    }
}

/// Where the problem is told: the first sentence that tells it, and the next one while it goes on.
struct Passage {
    quote: Quote,
    last_sentence: usize,
    score: i32,
}

fn extend(passage: &mut Option<Passage>, message: &Message<'_>, sentence: &Clause, score: i32) {
    const MUCH_STRONGER: i32 = 3;
    let Some(quote) = pick(message, sentence) else {
        return;
    };
    match passage {
        Some(old) if old.quote.message == message.index && old.last_sentence + 1 == sentence.sentence => {
            old.quote.end = quote.end.max(old.quote.end);
        }
        Some(old) if score < old.score + MUCH_STRONGER => {}
        _ => {
            *passage = Some(Passage {
                quote,
                last_sentence: sentence.sentence,
                score,
            })
        }
    }
}

/// "Not really", "nothing wrong with it", as the answer to what the problem is.
fn denies_problem(message: &Message<'_>, asked: &Asked) -> bool {
    asked.need()
        && polarity(message) == Some(Polarity::No)
        && message
            .sentences
            .first()
            .is_some_and(|sentence| message.words(sentence.first, sentence.last) <= 12)
}

/// How concrete a problem the sentence tells.
fn problem(talk: &Talk<'_>, message: &Message<'_>, sentence: &Clause, asked: &Asked) -> i32 {
    let mut problems = 0;
    let mut end = 0;
    for span in message.spans_in(sentence.first, sentence.last) {
        if span.concept == Concept::Problem && span.first >= end {
            problems += 1;
            end = span.last;
        }
    }
    let has = |concept| i32::from(sentence.has(concept));
    let figures = (sentence.first..sentence.last)
        .filter_map(|at| message.tokens.get(at))
        .filter(|token| matches!(token.kind, token::Kind::Number(_)))
        .count();
    let percent = (sentence.first..sentence.last).any(|at| {
        message
            .tokens
            .get(at)
            .is_some_and(|token| token.kind == token::Kind::Percent)
    });
    let words = message.words(sentence.first, sentence.last);
    let mut score = match problems {
        0 => 0,
        1 => 3,
        2 => 5,
        _ => 6,
    };
    score += has(Concept::Weak) + 2 * has(Concept::Ability) + i32::from(percent) + i32::from(figures > 0);
    score += i32::from(problems > 0 && words >= 5) + has(Concept::Reason).min(i32::from(problems > 0));
    if sentence.any(&[Concept::Current, Concept::Loss])
        && money::read(message, sentence).iter().any(|m| m.marked)
    {
        score += 3;
    }
    if words >= 9
        && figures > 0
        && sentence.any(&[Concept::First, Concept::Our, Concept::People, Concept::Mine])
    {
        score += 1;
    }
    score +=
        i32::from(talk.names_product(message) && words >= 6 && sentence.any(&[Concept::Want, Concept::Weak]));
    score += i32::from(asked.need() && problems > 0);
    score += situation(message, sentence, figures > 0, words);
    score -= 3 * has(Concept::Wish);
    score -= has(Concept::VagueWord);
    if sentence.any(&[Concept::PriceQuestion, Concept::NoNeed]) {
        score -= 2;
    }
    let about_else = asked.budget() || asked.authority() || asked.timing();
    if about_else && !asked.need() {
        score -= 3;
    }
    if sentence.any(&[
        Concept::IDecide,
        Concept::OthersDecide,
        Concept::IEvaluate,
        Concept::NoRush,
    ]) && problems < 2
    {
        score -= 2;
    }
    if sentence.has(Concept::Foreign) && problems < 2 {
        score -= 2;
    }
    if sentence.question && problems < 2 {
        score -= 2;
    }
    score
}

/// A longer account of how things are done today, with a scale or with somebody doing or missing something, is a
/// problem even where no word for one is used.
fn situation(message: &Message<'_>, sentence: &Clause, figures: bool, words: usize) -> i32 {
    const ACCOUNT: usize = 9;
    let talks_of_purchase = sentence.any(&[
        Concept::Want,
        Concept::Funds,
        Concept::OwnFigure,
        Concept::PriceQuestion,
        Concept::Decide,
        Concept::Start,
        Concept::Meeting,
        Concept::Yes,
    ]);
    if words < ACCOUNT || sentence.question || talks_of_purchase {
        return 0;
    }
    let lacks = sentence.any(&[Concept::Neg, Concept::Weak, Concept::Ability, Concept::Past]);
    let own = sentence.any(&[
        Concept::First,
        Concept::Our,
        Concept::Mine,
        Concept::People,
        Concept::Business,
    ]);
    let concrete = figures
        || message
            .find(sentence, Concept::Number)
            .is_some_and(|number| number.value > 1.0);
    i32::from(lacks) + i32::from(own) + 2 * i32::from(concrete)
}

/// How much interest in the product a sentence shows.
fn interest(talk: &Talk<'_>, message: &Message<'_>, sentence: &Clause, asked: &Asked) -> i32 {
    let has = |concept| i32::from(sentence.has(concept));
    let words = message.words(sentence.first, sentence.last);
    if words < 2 {
        return 0;
    }
    let product = talk.names_product(message);
    let mut score =
        2 * has(Concept::Want) + 2 * has(Concept::Wish) + has(Concept::Problem) + has(Concept::PriceQuestion);
    score += 2 * i32::from(product);
    score += i32::from(asked.need() && words >= 3) + has(Concept::VagueWord);
    let about_else = (asked.budget() || asked.authority() || asked.timing()) && !asked.need();
    if about_else {
        score -= 2;
    }
    if sentence.any(&[Concept::NoNeed]) {
        score -= 3;
    }
    score
}

/// The sentence, or of a long one the clause with the problem.
fn pick(message: &Message<'_>, sentence: &Clause) -> Option<Quote> {
    const LONG: usize = 24;
    if message.words(sentence.first, sentence.last) <= LONG {
        return message.quote_of(sentence);
    }
    let clauses = message
        .clauses
        .iter()
        .filter(|clause| clause.sentence == sentence.sentence);
    let told: Vec<&Clause> = clauses
        .filter(|clause| clause.any(&[Concept::Problem, Concept::Ability]))
        .collect();
    match (told.first(), told.last()) {
        (Some(first), Some(last)) => message.quote(first.first, last.last),
        _ => message.quote_of(sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::check;

    #[test]
    fn concrete_problems() {
        check(
            "
            specific; 2025-03-01; 5000 USD; v: our dispatchers retype every order three times and half of them go out with the wrong address
            specific; 2025-03-01; 5000 USD; v: customers keep calling because nobody confirms their booking, we had 80 no-shows in January
            specific; 2025-03-01; 5000 USD; v: the roof heats the whole office and the power bill went from 900 to 2100 a month
            specific; 2025-03-01; 5000 USD; v: our site takes 9 seconds to load and people leave before checkout
            specific; 2025-03-01; 5000 EUR; v: Unsere Monteure schreiben die Stunden auf Zettel, am Monatsende fehlen immer welche
            specific; 2025-03-01; 5000 EUR; v: jede zweite Rechnung geht zu spät raus und wir laufen dem Geld hinterher
            specific; 2025-03-01; 5000 EUR; v: se nos caen las reservas porque nadie contesta el teléfono en hora punta
            specific; 2025-03-01; 5000 EUR; v: tenemos 300 albaranes al mes en papel y siempre se pierde alguno
            specific; 2025-03-01; 5000 EUR; v: nos commerciaux notent tout sur des carnets et on oublie de relancer un client sur trois
            specific; 2025-03-01; 5000 EUR; v: le chauffage nous a coûté 14 000 € l'hiver dernier, c'est intenable
            specific; 2025-03-01; 20000 BRL; v: a equipe anota pedido no caderno e todo dia some algum, cliente fica bravo
            specific; 2025-03-01; 20000 BRL; v: meu site cai toda vez que faço promoção
            specific; 2025-03-01; 200000 INR; v: staff register me likhta hai aur har mahine hisab galat aata hai
            specific; 2025-03-01; 200000 INR; v: roz 40 call aati hain aur aadhi miss ho jaati hain
            ",
            |evidence| evidence.need.level.key(),
        );
    }

    #[test]
    fn mere_interest() {
        check(
            "
            vague; 2025-03-01; 5000 USD; v: just wondering what your CRM can do
            vague; 2025-03-01; 5000 USD; b: What problem are you solving?|v: nothing specific, we'd like a nicer website
            vague; 2025-03-01; 5000 EUR; v: ich interessiere mich für eure Schulungen
            vague; 2025-03-01; 5000 EUR; v: queríamos información sobre el CRM
            vague; 2025-03-01; 5000 EUR; v: je voudrais en savoir plus sur votre solution
            vague; 2025-03-01; 20000 BRL; v: oi, queria conhecer o sistema de vocês
            vague; 2025-03-01; 200000 INR; v: CRM ke baare me batao thoda
            ",
            |evidence| evidence.need.level.key(),
        );
    }

    #[test]
    fn no_buyers() {
        check(
            "
            none; 2025-03-01; 5000 USD; v: hi
            none; 2025-03-01; 5000 USD; v: I can't log in to my account since yesterday, password reset doesn't arrive
            none; 2025-03-01; 5000 USD; v: Hello, I'd like to apply for the backend position, my CV is attached
            none; 2025-03-01; 5000 USD; v: We offer outsourced developers and our clients include big brands, can we partner with you?
            none; 2025-03-01; 5000 EUR; v: ich bin Kunde bei euch und meine Rechnung stimmt nicht
            none; 2025-03-01; 5000 EUR; v: Guten Tag, ich möchte mich auf die Stelle als Entwickler bewerben
            none; 2025-03-01; 5000 EUR; v: hola, estoy haciendo mi tfg en la universidad y necesito datos del sector
            none; 2025-03-01; 5000 EUR; v: somos una agencia y ofrecemos nuestros servicios de posicionamiento
            none; 2025-03-01; 5000 EUR; v: bonjour, je souhaite postuler chez vous, mon CV est joint
            none; 2025-03-01; 5000 EUR; v: je suis cliente chez vous et je n'arrive plus à me connecter
            none; 2025-03-01; 20000 BRL; v: já sou cliente e o boleto veio errado
            none; 2025-03-01; 20000 BRL; v: desculpa, foi engano, número errado
            none; 2025-03-01; 200000 INR; v: mera internship ke liye apply karna hai, resume bhej du? koi vacancy hai kya
            none; 2025-03-01; 200000 INR; v: sorry galat number lag gaya
            ",
            |evidence| evidence.need.level.key(),
        );
    }
}

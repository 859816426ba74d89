//! Budget: whose figure it is, what it is worth a year, and what else was said about money.

use super::answer::{Asked, Polarity, polarity};
use super::context::Kind;
use super::evidence::{BudgetLevel, Finding, Quote, Reason};
use super::lexicon::Concept;
use super::message::{Clause, Message};
use super::money::{self, Money};
use super::talk::Talk;
use super::worth;

/// Words that make a figure somebody else's, or another kind of amount.
const ALIEN: &[Concept] = &[
    Concept::Foreign,
    Concept::Current,
    Concept::Loss,
    Concept::Revenue,
];

/// What the talk has proved so far.
#[derive(Default)]
struct Found {
    figure: Option<(f64, Quote, Reason)>,
    approved: Option<Quote>,
    none: Option<Quote>,
    asked: Option<Quote>,
}

/// Judges the budget.
pub(crate) fn find(talk: &Talk<'_>) -> Finding<BudgetLevel> {
    match talk.context.kind {
        Kind::Buyer | Kind::Student => {}
        Kind::Support | Kind::Applicant | Kind::Vendor | Kind::Stray | Kind::Tester => {
            return Finding::nothing(Reason::NotBuying);
        }
    }
    let mut found = Found::default();
    for (message, asked) in talk.visitor() {
        read_message(talk, message, asked, &mut found);
    }
    let price = |quote| Finding {
        level: BudgetLevel::AskedPrice,
        quote: Some(quote),
        reason: Reason::PriceQuestion,
    };
    if talk.context.kind == Kind::Student {
        return found
            .asked
            .map_or_else(|| Finding::nothing(Reason::NotBuying), price);
    }
    if let Some((amount, quote, reason)) = found.figure {
        let fits = talk.icp.budget_min.is_none_or(|min| amount + 0.5 >= min as f64);
        let level = if fits {
            BudgetLevel::Fits
        } else {
            BudgetLevel::BelowIcp
        };
        return Finding {
            level,
            quote: Some(quote),
            reason,
        };
    }
    if let Some(quote) = found.approved {
        return Finding {
            level: BudgetLevel::ApprovedNoFigure,
            quote: Some(quote),
            reason: Reason::FundsApproved,
        };
    }
    if let Some(quote) = found.none {
        return Finding {
            level: BudgetLevel::None,
            quote: Some(quote),
            reason: Reason::NoFunds,
        };
    }
    found
        .asked
        .map_or_else(|| Finding::nothing(Reason::NothingSaid), price)
}

fn read_message(talk: &Talk<'_>, message: &Message<'_>, asked: &Asked, found: &mut Found) {
    for clause in &message.clauses {
        let figures = money::read(message, clause);
        let own = figures
            .iter()
            .rev()
            .find(|money| is_own(message, clause, money, asked, found.figure.is_some()));
        if let Some(money) = own {
            let amount = worth::yearly(money, talk.icp, asked.per.filter(|_| asked.budget()), talk.heads);
            if let Some(quote) = message.quote(money.first, money.last) {
                found.figure = Some((amount, quote, Reason::OwnFigure));
                found.none = None;
            }
        }
        read_words(message, clause, asked, own.is_some(), found);
    }
    read_answer(talk, message, asked, found);
}

/// Whether a figure is what the visitor can spend.
fn is_own(message: &Message<'_>, clause: &Clause, money: &Money, asked: &Asked, had_figure: bool) -> bool {
    let denied = message
        .spans_in(money.first.saturating_sub(2), money.first)
        .any(|span| {
            span.concept == Concept::Neg && span.last <= money.first && !clause_allows(message, clause)
        });
    if denied || money.amount < 1.0 && !money.marked {
        return false;
    }
    let distance = |concepts: &[Concept]| {
        message
            .spans_in(clause.first, clause.last)
            .filter(|span| concepts.contains(&span.concept))
            .map(|span| {
                if span.first >= money.first {
                    span.first.saturating_sub(money.last)
                } else {
                    money.first.saturating_sub(span.last)
                }
            })
            .min()
    };
    let alien = distance(ALIEN);
    let answers = asked.budget() && !clause.question;
    let weak = distance(&[Concept::WeakOwn])
        .filter(|_| answers || money.currency != 0 && clause.has(Concept::Funds));
    let own = distance(&[Concept::OwnFigure, Concept::Approved])
        .or_else(|| distance(&[Concept::Funds]).filter(|_| money.marked))
        .or(weak);
    let others = is_budget_of_others(message, clause) || is_aside_about_others(message, clause);
    match (alien, own) {
        _ if others || had_figure && alien.is_some() && !clause.has(Concept::Correction) => false,
        (Some(alien), Some(own)) => {
            own < alien && (money.priced || answers) || own == 0 && alien == 0 && answers
        }
        (Some(_), None) => false,
        (None, Some(_)) => money.priced || answers && money.amount >= 2.0,
        (None, None) if answers => money.marked || is_bare_answer(message, clause, money),
        (None, None) => had_figure && corrects(message, clause, money) || is_held(message, clause, money),
    }
}

/// "We have 12,000 euros": holding an amount in a currency, in a clause that speaks of nothing else.
fn is_held(message: &Message<'_>, clause: &Clause, money: &Money) -> bool {
    money.currency != 0
        && !clause.question
        && message
            .spans_in(clause.first, money.first)
            .any(|span| span.concept == Concept::WeakOwn && span.last <= money.first)
        && !message.sentence(clause).any(&[Concept::Past, Concept::Problem])
}

/// "My competitor's budget is", "the neighbours have a budget of": money that somebody else is said to have.
fn is_budget_of_others(message: &Message<'_>, clause: &Clause) -> bool {
    const BETWEEN: usize = 2;
    let spans = || message.spans_in(clause.first, clause.last);
    spans()
        .filter(|span| span.concept == Concept::Funds)
        .any(|funds| {
            spans().any(|other| {
                other.concept == Concept::Foreign
                    && other.last <= funds.first
                    && funds.first - other.last <= BETWEEN
            })
        })
}

/// A figure in parentheses belongs to what the clause before it speaks of.
fn is_aside_about_others(message: &Message<'_>, clause: &Clause) -> bool {
    let opens = clause
        .first
        .checked_sub(1)
        .and_then(|at| message.tokens.get(at))
        .is_some_and(|token| {
            message
                .text
                .get(token.start as usize..token.end as usize)
                .is_some_and(|text| text == "(")
        });
    opens
        && message.clauses.iter().any(|other| {
            (other.last + 1 == clause.first || other.first == clause.last + 1)
                && other.sentence == clause.sentence
                && other.any(ALIEN)
        })
}

/// "Sorry no, just checked: 17.5k".
fn corrects(message: &Message<'_>, clause: &Clause, money: &Money) -> bool {
    money.priced && message.sentence(clause).has(Concept::Correction)
        || money.scaled && message.words(clause.first, clause.last) <= 6
}

/// "Not more than", "nahi jayenge": a limit, not a denial.
fn clause_allows(message: &Message<'_>, clause: &Clause) -> bool {
    message
        .spans_in(clause.first, clause.last)
        .any(|span| span.concept == Concept::OwnFigure && span.last - span.first > 1)
}

/// A plain number counts as an amount only where it is most of the answer.
fn is_bare_answer(message: &Message<'_>, clause: &Clause, money: &Money) -> bool {
    money.amount >= 5.0 && message.words(clause.first, clause.last) <= 8
}

fn read_words(message: &Message<'_>, clause: &Clause, asked: &Asked, has_own: bool, found: &mut Found) {
    let sentence = message.sentence(clause);
    let span_quote = |concept| {
        message
            .find(clause, concept)
            .and_then(|span| message.quote(span.first, span.last))
    };
    if clause.has(Concept::NoFigure) || sentence.has(Concept::Pending) {
        let asks = span_quote(Concept::PriceQuestion).filter(|_| found.asked.is_none());
        found.asked = found.asked.or(asks);
        return;
    }
    let negated = clause.has(Concept::Neg);
    if clause.has(Concept::NoFunds) && !has_own && !clause.question {
        found.none = message.quote_of(clause);
        (found.approved, found.figure) = (
            None,
            found
                .figure
                .filter(|_| asked.budget() && !clause.has(Concept::NoFunds)),
        );
        return;
    }
    let funds = clause.has(Concept::Funds);
    let approved =
        clause.has(Concept::Approved) && !clause.any(&[Concept::Foreign, Concept::Loss, Concept::Revenue]);
    let exists = clause.has(Concept::Exists);
    if !clause.question && !negated && !clause.signature {
        let told = funds && (approved || exists && !clause.any(ALIEN) && !clause.has(Concept::PriceQuestion))
            || approved && asked.budget() && !clause.any(ALIEN)
            || approved && sentence.has(Concept::Funds) && !sentence.has(Concept::Neg);
        if told && found.approved.is_none() {
            found.approved = message.quote_of(clause);
            found.none = None;
        }
    }
    let question =
        clause.has(Concept::PriceQuestion) && !clause.any(&[Concept::Foreign]) && !told_price(clause);
    let minds = clause.has(Concept::PriceSensitive)
        && !clause.any(&[Concept::Foreign, Concept::Current])
        && (sentence.question
            || asked.budget()
            || message.words(clause.first, clause.last) <= 12
            || clause.has(Concept::Want));
    if (question || minds) && !clause.signature && found.asked.is_none() {
        found.asked = message.quote_of(clause);
    }
}

/// A price in a clause about what somebody else charges or what is paid today is no question.
fn told_price(clause: &Clause) -> bool {
    !clause.question && clause.any(&[Concept::Current, Concept::Loss, Concept::Revenue])
}

/// Yes or no to a question about money.
fn read_answer(talk: &Talk<'_>, message: &Message<'_>, asked: &Asked, found: &mut Found) {
    if !asked.budget() || message.clauses.is_empty() {
        return;
    }
    let Some(first) = message.clauses.first().copied() else {
        return;
    };
    let own_here = found
        .figure
        .is_some_and(|(_, quote, _)| quote.message == message.index);
    let polarity = polarity(message);
    let share = message
        .clauses
        .iter()
        .find_map(|clause| message.find(clause, Concept::Share));
    if let (Some(figure), false) = (asked.figure, own_here) {
        let amount = worth::yearly(&figure, talk.icp, asked.per, talk.heads);
        let quote = message.quote_of(&first);
        match (polarity, share) {
            (_, Some(share)) if share.value > 0.0 => {
                let quote = message.quote(share.first, share.last);
                found.figure = quote.map(|quote| (amount * share.value, quote, Reason::ConfirmedFigure));
            }
            (Some(Polarity::Yes), _) if !first.has(Concept::PriceSensitive) => {
                found.figure = quote.map(|quote| (amount, quote, Reason::ConfirmedFigure));
            }
            (Some(Polarity::No), _) if asked.above() && found.figure.is_none() && found.none.is_none() => {
                found.figure = quote.map(|quote| (amount - 1.0, quote, Reason::ConfirmedFigure));
            }
            _ => {}
        }
        return;
    }
    let told_no_figure = first.has(Concept::NoFunds);
    if polarity == Some(Polarity::Yes)
        && asked.is_question()
        && !own_here
        && found.approved.is_none()
        && !told_no_figure
        && !first.question
        && !first.any(&[Concept::PriceQuestion])
    {
        found.approved = message.quote_of(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::check;

    #[test]
    fn figures_of_their_own() {
        check(
            "
            fits; 2025-03-01; 5000 USD; v: We've got about $7,500 earmarked for this
            below_icp; 2025-03-01; 5000 USD; b: What's your budget?|v: 300/mo is my ceiling
            fits; 2025-03-01; 5000 USD; b: Ballpark spend?|v: somewhere north of 20 grand
            fits; 2025-03-01; 5000 USD; b: How many users?|v: 45|b: What can you pay?|v: $12 a seat monthly, that's it
            below_icp; 2025-03-01; 5000 EUR; b: Haben Sie ein Budget?|v: mehr als 350 Euro im Monat sind nicht drin
            fits; 2025-03-01; 5000 EUR; v: Für das Projekt stehen uns 12.500 Euro zur Verfügung.
            fits; 2025-03-01; 5000 EUR; b: Was wollen Sie investieren?|v: zwischen sechs und acht tausend
            fits; 2025-03-01; 5000 EUR; b: ¿Qué presupuesto manejan?|v: andamos en torno a los 8 mil anuales
            below_icp; 2025-03-01; 60000 MXN; b: ¿Cuánto quieren invertir?|v: máximo unos 2,500 pesos mensuales
            fits; 2025-03-01; 5000 EUR; b: Quel est votre budget ?|v: on peut monter à 600 balles par mois grand max
            below_icp; 2025-03-01; 5000 EUR; v: Nous avons mis 4 000 € de côté pour le site
            fits; 2025-03-01; 20000 BRL; b: Quanto pretende investir?|v: consigo chegar em 2 mil por mês
            below_icp; 2025-03-01; 20000 BRL; b: Tem um valor em mente?|v: olha, 900 reais mensais no máximo mesmo
            fits; 2025-03-01; 200000 INR; b: Budget kitna hai?|v: mahine ka 20 hazaar de sakte hain
            below_icp; 2025-03-01; 200000 INR; b: Kitna kharch karna chahte hain?|v: ek lakh se zyada nahi
            fits; 2025-03-01; 200000 INR; v: Boss ne bola 3.5 lakh tak final kar lo
            fits; 2025-03-01; 5000 USD; b: Would $9k a year work?|v: yeah that's fine
            fits; 2025-03-01; 5000 EUR; b: Wären 800 € im Monat für Sie machbar?|v: das kommt hin
            below_icp; 2025-03-01; 5000 EUR; b: ¿Le encajan 6.000 € al año?|v: no, más bien la mitad
            fits; 2025-03-01; 5000 USD; v: We had 4k for this|v: scratch that, finance just bumped it to 6k
            ",
            |evidence| evidence.budget.level.key(),
        );
    }

    #[test]
    fn other_peoples_figures_are_no_budget() {
        check(
            "
            none; 2025-03-01; 5000 USD; v: Acme came back at 18k which felt like a joke
            none; 2025-03-01; 5000 USD; v: we lost roughly $30,000 in unpaid invoices last year
            none; 2025-03-01; 5000 EUR; v: Aktuell zahlen wir 650 € im Monat an den alten Anbieter
            none; 2025-03-01; 5000 EUR; v: die Konkurrenz wollte 15.000 Euro dafür haben
            none; 2025-03-01; 5000 USD; v: my competitor's budget is 50k
            none; 2025-03-01; 5000 USD; b: do you have a budget?|v: My competitor has a budget of $50,000 a year
            none; 2025-03-01; 5000 EUR; v: facturamos unos 400.000 euros al año
            none; 2025-03-01; 5000 EUR; v: mi cuñado pagó 9.000 por lo suyo
            none; 2025-03-01; 5000 EUR; v: un autre prestataire nous a fait un devis à 14 000 €
            none; 2025-03-01; 20000 BRL; v: hoje a gente paga 3 mil por mês pra outra empresa
            none; 2025-03-01; 200000 INR; v: dusra vendor 4 lakh maang raha tha
            none; 2025-03-01; 5000 USD; b: our plan is $9,000 a year|v: hm I see
            ",
            |evidence| evidence.budget.level.key(),
        );
    }

    #[test]
    fn money_without_a_figure() {
        check(
            "
            approved_no_figure; 2025-03-01; 5000 USD; v: Finance has already signed off the spend for this
            approved_no_figure; 2025-03-01; 5000 EUR; v: Das Geld dafür ist im Haushalt eingestellt
            approved_no_figure; 2025-03-01; 5000 EUR; b: ¿Hay presupuesto?|v: sí, ya está autorizado, la cifra me la guardo
            approved_no_figure; 2025-03-01; 5000 EUR; v: L'enveloppe a été votée en décembre
            approved_no_figure; 2025-03-01; 20000 BRL; v: a diretoria já liberou o dinheiro
            approved_no_figure; 2025-03-01; 200000 INR; b: Budget hai?|v: haan paisa sanction ho gaya hai
            none; 2025-03-01; 5000 USD; v: honestly we're broke until the grant lands
            none; 2025-03-01; 5000 EUR; v: für dieses Jahr sind leider keine Mittel mehr da
            none; 2025-03-01; 5000 EUR; v: no tenemos ni un euro para esto ahora
            none; 2025-03-01; 5000 EUR; v: le budget est gelé jusqu'en juin
            none; 2025-03-01; 20000 BRL; v: por enquanto a gente tá sem verba
            none; 2025-03-01; 200000 INR; v: abhi to paise hi nahi hai bhai
            ",
            |evidence| evidence.budget.level.key(),
        );
    }

    #[test]
    fn questions_for_the_price() {
        check(
            "
            asked_price; 2025-03-01; 5000 USD; v: what would something like this run me?
            asked_price; 2025-03-01; 5000 USD; v: can you shoot over your rates
            asked_price; 2025-03-01; 5000 EUR; v: mit was muss man da so rechnen preislich?
            asked_price; 2025-03-01; 5000 EUR; v: ¿por cuánto me saldría?
            asked_price; 2025-03-01; 5000 EUR; v: vous êtes dans quels tarifs ?
            asked_price; 2025-03-01; 20000 BRL; v: me passa os valores pfv
            asked_price; 2025-03-01; 200000 INR; v: kitne ka padega sir
            asked_price; 2025-03-01; 5000 EUR; b: ab 90 € im Monat|v: uff, geht das auch günstiger?
            ",
            |evidence| evidence.budget.level.key(),
        );
    }
}

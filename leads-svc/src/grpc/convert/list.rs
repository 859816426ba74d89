//! Which leads a list shows, in which order, and what of each.

use leads_proto::leads::v1;

use super::{mask::Mask, query, times, words};
use crate::domain::{
    filter::{self, Comparator, CrmField, Field, Filter, Value, When},
    page::{LeadQuery, Order},
    sync::Provider,
    text,
    violation::{Violation, Violations},
};

const MAX_TAGS: usize = 10;

/// A list as a call asks for it.
#[derive(Debug)]
pub struct List {
    /// Which leads, in which order.
    pub query: LeadQuery,
    /// Leads a page.
    pub size: u64,
    /// What of each lead is answered.
    pub mask: Mask,
}

/// Reads a list. The parameters and the filter are one filter from here on.
///
/// # Errors
/// Every violation.
pub fn list(request: &v1::ListLeadsRequest) -> Result<List, Vec<Violation>> {
    let mut violations = Violations::default();
    let size = query::page_size(request.page_size, &mut violations);
    let order = Order::parse(&request.order_by).unwrap_or_else(|problem| {
        violations.add("order_by", problem);
        Order::newest()
    });
    let mask = Mask::read(
        "read_mask",
        "leads.v1.Lead",
        request.read_mask.as_ref(),
        &mut violations,
    );
    let written = filter::parse(&request.filter).unwrap_or_else(|fault| {
        violations.add("filter", fault.to_string());
        Filter::EVERYTHING
    });
    let mut parts = parameters(request, &mut violations);
    let is_written = written != Filter::EVERYTHING;
    match written {
        Filter::All(written) => parts.extend(written),
        written => parts.push(written),
    }
    let query = LeadQuery {
        filter: Filter::All(parts),
        is_written,
        order,
    };
    violations.into_result(List { query, size, mask })
}

/// What the parameters other than the filter ask for.
fn parameters(request: &v1::ListLeadsRequest, violations: &mut Violations) -> Vec<Filter> {
    use Comparator::{GreaterOrEqual, Less, LessOrEqual};
    let score_min = score("score_min", request.score_min, violations);
    let score_max = score("score_max", request.score_max, violations);
    if score_min.zip(score_max).is_some_and(|(min, max)| min > max) {
        violations.add("score_min", "is larger than score_max");
    }
    let with_score = |comparator, score| Filter::compare(Field::Score, comparator, Value::Number(score));
    let mut parts: Vec<Filter> = Vec::new();
    parts.extend(score_min.map(|score| with_score(GreaterOrEqual, score)));
    parts.extend(score_max.map(|score| with_score(LessOrEqual, score)));
    let stage = words::read_stage("stage", request.stage, violations);
    parts.extend(stage.map(|stage| Filter::equals(Field::Stage, stage.word())));
    let channel = words::read_channel("channel", request.channel, violations);
    parts.extend(channel.map(|channel| Filter::equals(Field::Channel, channel.word())));
    let status = words::read_status("sync", request.sync, violations);
    parts.extend(status.map(|status| {
        let stands = |provider| Filter::equals(Field::Crm(provider, CrmField::Status), status.word());
        Filter::Any(Provider::ALL.into_iter().map(stands).collect())
    }));
    let tags = tags(&request.tag, violations);
    parts.extend(tags.iter().map(|tag| Filter::holds(Field::Tags, tag)));
    let owner = text::optional("owner", &request.owner, 200, violations);
    parts.extend(owner.map(|owner| Filter::equals(Field::Owner, &owner)));
    for (field, at, comparator) in [
        ("captured_after", &request.captured_after, GreaterOrEqual),
        ("captured_before", &request.captured_before, Less),
    ] {
        let at = times::read(field, at.as_ref(), violations);
        let compared = at.map(|at| Value::Time(When::At(at)));
        parts.extend(compared.map(|at| Filter::compare(Field::CapturedAt, comparator, at)));
    }
    let searched = query::words(&request.q, violations);
    if !searched.is_empty() {
        parts.push(Filter::words(searched));
    }
    parts
}

fn score(field: &str, score: Option<i32>, violations: &mut Violations) -> Option<i64> {
    let score = score?;
    if !(0..=100).contains(&score) {
        violations.add(field, "must be 0 to 100");
        return None;
    }
    Some(score.into())
}

fn tags(given: &[String], violations: &mut Violations) -> Vec<String> {
    if given.len() > MAX_TAGS {
        let problem = format!("has {} entries; at most {MAX_TAGS} are allowed", given.len());
        violations.add("tag", problem);
        return Vec::new();
    }
    let tags = given.iter().enumerate();
    tags.map(|(index, tag)| text::required(&format!("tag[{index}]"), tag, 64, violations))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_the_same_words_in_a_filter_are_one_filter() {
        let parameters = v1::ListLeadsRequest {
            score_min: Some(80),
            stage: v1::Stage::DemoBooked.into(),
            channel: v1::Channel::Whatsapp.into(),
            tag: vec!["hot".to_owned()],
            owner: "bo".to_owned(),
            q: "Ana Ruiz".to_owned(),
            ..Default::default()
        };
        let written = v1::ListLeadsRequest {
            filter: "score >= 80 AND stage = demo_booked AND channel = whatsapp AND tags:hot AND owner = bo AND 'ana ruiz'"
                .to_owned(),
            ..Default::default()
        };
        let (parameters, written) = (list(&parameters).unwrap().query, list(&written).unwrap().query);
        assert_eq!(parameters.filter, written.filter);
        assert_eq!((parameters.is_written, written.is_written), (false, true));
        assert_eq!(
            list(&v1::ListLeadsRequest::default()).unwrap().query,
            LeadQuery::everything()
        );
    }
}

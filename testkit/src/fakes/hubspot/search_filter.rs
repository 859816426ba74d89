//! HubSpot's search filters and what they match.

use serde::Deserialize;

/// Up to 5 groups of up to 6 filters, 18 in all [search-the-crm].
const GROUPS_MAX: usize = 5;
const FILTERS_MAX: usize = 6;
const TOTAL_MAX: usize = 18;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Group {
    #[serde(default)]
    pub filters: Vec<Filter>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    pub property_name: String,
    pub operator: Operator,
    #[serde(default)]
    value: String,
    #[serde(default)]
    high_value: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

/// What is wrong with the number of filters.
pub(super) fn check(groups: &[Group]) -> Result<(), &'static str> {
    if groups.len() > GROUPS_MAX {
        return Err("too many filterGroups, at most 5");
    }
    if groups.iter().any(|group| group.filters.len() > FILTERS_MAX) {
        return Err("too many filters in a group, at most 6");
    }
    let total: usize = groups.iter().map(|group| group.filters.len()).sum();
    if total > TOTAL_MAX {
        Err("too many filters, at most 18")
    } else {
        Ok(())
    }
}

impl Filter {
    /// Enumerations compare case-sensitively, text does not. The negative operators match a missing value too.
    pub fn matches(&self, value: Option<&str>, is_text: bool) -> bool {
        let fold = |text: &str| {
            if is_text {
                text.to_lowercase()
            } else {
                text.to_owned()
            }
        };
        let same = |left: &str, right: &str| fold(left) == fold(right);
        let Some(value) = value else {
            return matches!(
                self.operator,
                Operator::Neq | Operator::NotIn | Operator::NotContainsToken | Operator::NotHasProperty
            );
        };
        match self.operator {
            Operator::Eq => same(value, &self.value),
            Operator::Neq => !same(value, &self.value),
            Operator::Lt => order(value, &self.value).is_lt(),
            Operator::Lte => order(value, &self.value).is_le(),
            Operator::Gt => order(value, &self.value).is_gt(),
            Operator::Gte => order(value, &self.value).is_ge(),
            Operator::Between => order(value, &self.value).is_ge() && order(value, &self.high_value).is_le(),
            Operator::In => self.values.iter().any(|wanted| same(value, wanted)),
            Operator::NotIn => !self.values.iter().any(|wanted| same(value, wanted)),
            Operator::HasProperty => true,
            Operator::NotHasProperty => false,
            Operator::ContainsToken => has_token(value, &self.value),
            Operator::NotContainsToken => !has_token(value, &self.value),
        }
    }
}

/// Numbers and times (ISO or milliseconds) by size, everything else by text.
pub(super) fn order(left: &str, right: &str) -> std::cmp::Ordering {
    let number = |text: &str| {
        text.parse::<f64>().ok().or_else(|| {
            Some(
                chrono::DateTime::parse_from_rfc3339(text)
                    .ok()?
                    .timestamp_millis() as f64,
            )
        })
    };
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

/// Whole words; a `*` at either end of the pattern stands for the rest of a word.
fn has_token(value: &str, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let core = pattern.trim_matches('*');
    let (open_start, open_end) = (pattern.starts_with('*'), pattern.ends_with('*'));
    let value = value.to_lowercase();
    let hit = |word: &str| match (open_start, open_end) {
        (false, false) => word == core,
        (true, false) => word.ends_with(core),
        (false, true) => word.starts_with(core),
        (true, true) => word.contains(core),
    };
    value
        .split(|letter: char| letter.is_whitespace() || letter == '@')
        .any(hit)
        || hit(&value)
}

#[cfg(test)]
mod tests {
    use super::{Filter, Group, check};

    fn filter(json: &str) -> Filter {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn operators_compare_as_documented() {
        let eq = filter(r#"{"propertyName":"email","operator":"EQ","value":"A@x.org"}"#);
        assert!(
            eq.matches(Some("a@x.org"), true)
                && !eq.matches(Some("a@x.org"), false)
                && !eq.matches(None, true)
        );
        let neq = filter(r#"{"propertyName":"city","operator":"NEQ","value":"Rome"}"#);
        assert!(neq.matches(None, true), "a record without the property matches");
        let between = filter(r#"{"propertyName":"n","operator":"BETWEEN","value":"9","highValue":"10"}"#);
        assert!(between.matches(Some("9.5"), true) && !between.matches(Some("100"), true));
        let after = filter(r#"{"propertyName":"lastmodifieddate","operator":"GT","value":"1764028800000"}"#);
        assert!(after.matches(Some("2025-11-25T00:00:00.001Z"), true));
        assert!(!after.matches(Some("2025-11-25T00:00:00.000Z"), true));
        let token = filter(r#"{"propertyName":"email","operator":"CONTAINS_TOKEN","value":"*x.org"}"#);
        assert!(token.matches(Some("a@x.org"), true));
    }

    #[test]
    fn filters_are_capped() {
        let group = |count| Group {
            filters: vec![filter(r#"{"propertyName":"email","operator":"HAS_PROPERTY"}"#); count],
        };
        assert!(check(&[group(6), group(6), group(6)]).is_ok());
        assert!(check(&[group(7)]).is_err());
        assert!(check(&[group(6), group(6), group(6), group(1)]).is_err());
        assert!(check(&vec![group(1); 6]).is_err());
    }
}

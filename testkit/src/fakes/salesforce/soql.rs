//! A subset of SOQL: `SELECT fields FROM Lead WHERE … ORDER BY field LIMIT n`.

use serde_json::Value;

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub fields: Vec<String>,
    pub object: String,
    pub filter: Option<Filter>,
    pub order: Option<(String, bool)>,
    pub limit: Option<usize>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Is {
        field: String,
        compare: Compare,
        values: Vec<Value>,
    },
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    In,
    NotIn,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// Reads a query.
///
/// # Errors
/// What was not expected, as `MALFORMED_QUERY` says it.
pub(super) fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let query = parser.query()?;
    match parser.next() {
        None => Ok(query),
        Some(token) => Err(format!("unexpected token: {token:?}")),
    }
}

impl Query {
    /// Every field that the query names.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        names.extend(self.order.iter().map(|(field, _)| field.as_str()));
        if let Some(filter) = &self.filter {
            filter.names(&mut names);
        }
        names
    }
}

impl Filter {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.names(names)),
            Self::Not(part) => part.names(names),
            Self::Is { field, .. } => names.push(field),
        }
    }

    /// Whether a record, given by its values, is meant.
    pub(super) fn admits(&self, value: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.admits(value)),
            Self::Any(parts) => parts.iter().any(|part| part.admits(value)),
            Self::Not(part) => !part.admits(value),
            Self::Is {
                field,
                compare,
                values,
            } => {
                let own = value(field);
                let first = values.first().unwrap_or(&Value::Null);
                let order = || compare_values(&own, first);
                match compare {
                    Compare::In => values.iter().any(|wanted| same(&own, wanted)),
                    Compare::NotIn => !values.iter().any(|wanted| same(&own, wanted)),
                    Compare::Less => order().is_some_and(std::cmp::Ordering::is_lt),
                    Compare::LessOrEqual => order().is_some_and(std::cmp::Ordering::is_le),
                    Compare::Greater => order().is_some_and(std::cmp::Ordering::is_gt),
                    Compare::GreaterOrEqual => order().is_some_and(std::cmp::Ordering::is_ge),
                }
            }
        }
    }
}

/// Text compares without case, as Salesforce does.
fn same(own: &Value, wanted: &Value) -> bool {
    match (own, wanted) {
        (Value::String(own), Value::String(wanted)) => own.eq_ignore_ascii_case(wanted),
        (Value::Number(own), Value::Number(wanted)) => own.as_f64() == wanted.as_f64(),
        (own, wanted) => own == wanted,
    }
}

/// The order of two values of one kind.
pub(super) fn compare_values(own: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    match (own, other) {
        (Value::Number(own), Value::Number(other)) => own.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(own), Value::String(other)) => {
            Some(own.replace("+0000", "Z").cmp(&other.replace("+0000", "Z")))
        }
        _ => None,
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// Takes a keyword if it comes next.
    fn takes(&mut self, word: &str) -> bool {
        let comes =
            matches!(self.tokens.get(self.at), Some(Token::Word(it)) if it.eq_ignore_ascii_case(word));
        self.at += usize::from(comes);
        comes
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let comes = matches!(self.tokens.get(self.at), Some(Token::Sign(it)) if *it == sign);
        self.at += usize::from(comes);
        comes
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(format!("expecting {what}, found {other:?}")),
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.takes(word) {
            true => Ok(()),
            false => Err(format!("expecting {word}")),
        }
    }

    fn query(&mut self) -> Result<Query, String> {
        self.expect("SELECT")?;
        let mut fields = vec![self.word("a field")?];
        while self.takes_sign(",") {
            fields.push(self.word("a field")?);
        }
        self.expect("FROM")?;
        let object = self.word("an object")?;
        let filter = if self.takes("WHERE") {
            Some(self.filter()?)
        } else {
            None
        };
        let mut order = None;
        if self.takes("ORDER") {
            self.expect("BY")?;
            let field = self.word("a field")?;
            let down = self.takes("DESC");
            let _ = !down && self.takes("ASC");
            order = Some((field, down));
        }
        let limit = if self.takes("LIMIT") {
            Some(
                self.word("a number")?
                    .parse()
                    .map_err(|_| "LIMIT needs a number")?,
            )
        } else {
            None
        };
        Ok(Query {
            fields,
            object,
            filter,
            order,
            limit,
        })
    }

    /// AND and OR side by side need parentheses.
    fn filter(&mut self) -> Result<Filter, String> {
        let first = self.condition()?;
        let mut parts = vec![first];
        let (and, or) = (self.takes("AND"), self.takes("OR"));
        if !and && !or {
            return parts.pop().ok_or_else(|| "expecting a condition".to_owned());
        }
        let joint = if and { "AND" } else { "OR" };
        parts.push(self.condition()?);
        while self.takes(joint) {
            parts.push(self.condition()?);
        }
        Ok(if and {
            Filter::All(parts)
        } else {
            Filter::Any(parts)
        })
    }

    fn condition(&mut self) -> Result<Filter, String> {
        if self.takes_sign("(") {
            let inner = self.filter()?;
            return match self.takes_sign(")") {
                true => Ok(inner),
                false => Err("expecting a right parentheses".to_owned()),
            };
        }
        if self.takes("NOT") {
            return Ok(Filter::Not(Box::new(self.condition()?)));
        }
        let field = self.word("a field")?;
        let not = self.takes("NOT");
        if self.takes("IN") {
            let compare = if not { Compare::NotIn } else { Compare::In };
            if !self.takes_sign("(") {
                return Err("expecting a left parentheses".to_owned());
            }
            let mut values = vec![self.value()?];
            while self.takes_sign(",") {
                values.push(self.value()?);
            }
            return match self.takes_sign(")") {
                true => Ok(Filter::Is {
                    field,
                    compare,
                    values,
                }),
                false => Err("expecting a right parentheses".to_owned()),
            };
        }
        let compare = match self.next() {
            Some(Token::Sign("=")) => Compare::In,
            Some(Token::Sign("!=")) => Compare::NotIn,
            Some(Token::Sign("<")) => Compare::Less,
            Some(Token::Sign("<=")) => Compare::LessOrEqual,
            Some(Token::Sign(">")) => Compare::Greater,
            Some(Token::Sign(">=")) => Compare::GreaterOrEqual,
            other => return Err(format!("expecting an operator, found {other:?}")),
        };
        let values = vec![self.value()?];
        Ok(Filter::Is {
            field,
            compare,
            values,
        })
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Value::String(text)),
            Some(Token::Word(word)) => Ok(match word.to_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                number => match number.parse::<f64>() {
                    Ok(number) => serde_json::json!(number),
                    // A time, which stands without quotes.
                    Err(_) => Value::String(word),
                },
            }),
            other => Err(format!("expecting a value, found {other:?}")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            ',' => tokens.push(Token::Sign(",")),
            '(' => tokens.push(Token::Sign("(")),
            ')' => tokens.push(Token::Sign(")")),
            '=' => tokens.push(Token::Sign("=")),
            '!' if chars.next_if_eq(&'=').is_some() => tokens.push(Token::Sign("!=")),
            '<' if chars.next_if_eq(&'=').is_some() => tokens.push(Token::Sign("<=")),
            '<' => tokens.push(Token::Sign("<")),
            '>' if chars.next_if_eq(&'=').is_some() => tokens.push(Token::Sign(">=")),
            '>' => tokens.push(Token::Sign(">")),
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some('\\') => quoted.extend(chars.next()),
                        Some(c) => quoted.push(c),
                        None => return Err("unclosed string".to_owned()),
                    }
                }
                tokens.push(Token::Text(quoted));
            }
            c if is_plain(c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| is_plain(*c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            c => return Err(format!("unexpected character {c}")),
        }
    }
    Ok(tokens)
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '+')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_and_backslashes_are_part_of_a_text_when_escaped() {
        let query = parse(r"SELECT Id FROM Lead WHERE LastName = 'O\'Neil \\ Co'").unwrap();
        let value = |_: &str| json!(r"O'Neil \ Co");
        assert!(query.filter.unwrap().admits(&value));
    }

    #[test]
    fn and_beside_or_needs_parentheses() {
        assert!(parse("SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3").is_err());
        assert!(parse("SELECT Id FROM Lead WHERE A = 1 AND (B = 2 OR C = 3)").is_ok());
    }
}

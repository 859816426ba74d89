//! Path templates of `google.api.http`, such as `/v1/leads/{lead.id}:sync`.

use percent_encoding::percent_decode_str;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    verb: Option<String>,
    captures: Vec<Capture>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    One,
    /// Everything that is left; only as the last one.
    Rest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Capture {
    field: String,
    first: usize,
    /// One past the last segment.
    end: usize,
}

/// Why a path that has the template's shape is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEncoding;

/// Fields that a path names, and their decoded values.
pub type Captured = Vec<(String, String)>;

impl Template {
    /// Parses a template; none if it breaks the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('/')?;
        let mut template = Self {
            segments: Vec::new(),
            verb: None,
            captures: Vec::new(),
        };
        loop {
            rest = template.parse_segment(rest)?;
            match rest.chars().next() {
                None => break,
                Some('/') => rest = rest.strip_prefix('/')?,
                Some(_) => {
                    template.verb = Some(rest.strip_prefix(':').filter(|verb| !verb.is_empty())?.to_owned());
                    break;
                }
            }
        }
        let rests = template
            .segments
            .iter()
            .filter(|segment| **segment == Segment::Rest)
            .count();
        let rest_is_last = rests == 0 || (rests == 1 && template.segments.last() == Some(&Segment::Rest));
        rest_is_last.then_some(template)
    }

    /// Reads one segment and returns what follows it.
    fn parse_segment<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let Some(variable) = text.strip_prefix('{') else {
            let end = text.find(['/', ':']).unwrap_or(text.len());
            let (segment, rest) = text.split_at_checked(end)?;
            self.segments.push(plain(segment)?);
            return Some(rest);
        };
        let (variable, rest) = variable.split_once('}')?;
        let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        let first = self.segments.len();
        for segment in pattern.split('/') {
            self.segments.push(plain(segment)?);
        }
        if field.is_empty() {
            return None;
        }
        self.captures.push(Capture {
            field: field.to_owned(),
            first,
            end: self.segments.len(),
        });
        Some(rest)
    }

    /// The fields that a path names; none if it has another shape. `parts` are what its slashes separate, as sent.
    pub fn matches(&self, parts: &[&str]) -> Option<Result<Captured, BadEncoding>> {
        let (last, before) = parts.split_last()?;
        let last = match &self.verb {
            Some(verb) => last.strip_suffix(verb.as_str())?.strip_suffix(':')?,
            None if last.contains(':') => return None,
            None => last,
        };
        let is_open = self.segments.last() == Some(&Segment::Rest);
        let fits = if is_open {
            parts.len() >= self.segments.len()
        } else {
            parts.len() == self.segments.len()
        };
        let all = || before.iter().copied().chain([last]);
        let fit = |(segment, part): (&Segment, &str)| match segment {
            Segment::Literal(literal) => literal == part,
            Segment::One | Segment::Rest => !part.is_empty(),
        };
        if !fits || !self.segments.iter().zip(all()).all(fit) {
            return None;
        }
        let parts: Vec<&str> = all().collect();
        Some(
            self.captures
                .iter()
                .map(|capture| self.capture(capture, &parts))
                .collect(),
        )
    }

    fn capture(&self, capture: &Capture, parts: &[&str]) -> Result<(String, String), BadEncoding> {
        let is_open = self.segments.get(capture.end.saturating_sub(1)) == Some(&Segment::Rest);
        let end = if is_open { parts.len() } else { capture.end };
        let raw = parts.get(capture.first..end).unwrap_or_default();
        let decoded: Result<Vec<String>, BadEncoding> = raw.iter().map(|part| decode(part)).collect();
        Ok((capture.field.clone(), decoded?.join("/")))
    }

    /// Fields that paths of this template name.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.captures.iter().map(|capture| capture.field.as_str())
    }

    /// Number of literal segments: of two templates that fit, the one with more is meant.
    pub fn literals(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Literal(_)))
            .count()
    }

    /// The path as OpenAPI writes it. Dots become underscores, so that templates of one shape are one path.
    pub fn openapi(&self) -> String {
        let mut path = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let capture = self
                .captures
                .iter()
                .find(|capture| (capture.first..capture.end).contains(&index));
            match (segment, capture) {
                (Segment::Literal(literal), _) => path.push_str(&format!("/{literal}")),
                (_, Some(capture)) => path.push_str(&format!("/{{{}}}", capture.field.replace('.', "_"))),
                (_, None) => path.push_str("/*"),
            }
        }
        if let Some(verb) = &self.verb {
            path.push_str(&format!(":{verb}"));
        }
        path
    }
}

/// Decodes percent-encoding; every `%` needs two digits, and the bytes must be UTF-8.
pub fn decode(text: &str) -> Result<String, BadEncoding> {
    let mut pieces = text.split('%');
    pieces.next();
    let whole = |piece: &str| piece.len() >= 2 && piece.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !pieces.all(whole) {
        return Err(BadEncoding);
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(String::from)
        .map_err(|_| BadEncoding)
}

fn plain(segment: &str) -> Option<Segment> {
    match segment {
        "" => None,
        "*" => Some(Segment::One),
        "**" => Some(Segment::Rest),
        literal if literal.contains(['{', '}', '*', '%']) => None,
        literal => Some(Segment::Literal(literal.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(template: &str, path: &str) -> Option<Result<Vec<String>, BadEncoding>> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let found = Template::parse(template).unwrap().matches(&parts)?;
        Some(found.map(|fields| {
            fields
                .into_iter()
                .map(|(field, value)| format!("{field}={value}"))
                .collect()
        }))
    }

    #[test]
    fn variables_take_whole_segments() {
        let found = |path| captured("/v1/leads/{lead.id}", path);
        assert_eq!(found("/v1/leads/lead_1"), Some(Ok(vec!["lead.id=lead_1".into()])));
        assert_eq!(
            found("/v1/leads/a%2Fb%20c"),
            Some(Ok(vec!["lead.id=a/b c".into()]))
        );
        for path in [
            "/v1/leads",
            "/v1/leads/",
            "/v1/leads/a/b",
            "/v1/leads/a:sync",
            "/v1//leads/a",
            "v1/leads/a",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn verbs_are_told_apart_from_ids() {
        assert_eq!(
            captured("/v1/leads/{id}:sync", "/v1/leads/a:sync"),
            Some(Ok(vec!["id=a".into()]))
        );
        assert_eq!(captured("/v1/leads/{id}:sync", "/v1/leads/a"), None);
        assert_eq!(
            captured("/v1/leads:collect", "/v1/leads:collect"),
            Some(Ok(vec![]))
        );
        assert_eq!(
            captured("/v1/leads/{id}", "/v1/leads/a%3Async"),
            Some(Ok(vec!["id=a:sync".into()]))
        );
    }

    #[test]
    fn broken_encodings_are_refused() {
        for path in [
            "/v1/leads/%",
            "/v1/leads/%4",
            "/v1/leads/%zz",
            "/v1/leads/%ff",
            "/v1/leads/a%",
        ] {
            assert_eq!(captured("/v1/leads/{id}", path), Some(Err(BadEncoding)), "{path}");
        }
    }

    #[test]
    fn patterns_within_variables_fit_several_segments() {
        let found = captured("/v1/{name=shelves/*}/books", "/v1/shelves/7/books");
        assert_eq!(found, Some(Ok(vec!["name=shelves/7".into()])));
        let found = captured("/v1/files/{path=**}", "/v1/files/a/b/c");
        assert_eq!(found, Some(Ok(vec!["path=a/b/c".into()])));
    }

    #[test]
    fn malformed_templates_are_no_templates() {
        for text in [
            "",
            "v1",
            "/",
            "/v1/{",
            "/v1/{}",
            "/v1//a",
            "/v1/{a=**}/b",
            "/v1:",
            "/v1/a}b",
        ] {
            assert_eq!(Template::parse(text), None, "{text}");
        }
    }

    #[test]
    fn openapi_sees_one_path_for_one_shape() {
        for template in ["/v1/leads/{lead.id}:sync", "/v1/leads/{lead_id}:sync"] {
            assert_eq!(
                Template::parse(template).unwrap().openapi(),
                "/v1/leads/{lead_id}:sync"
            );
        }
    }
}

//! HubSpot's refusals: status, envelope and wording of each.

use serde_json::{Map, Value, json};

use super::limits::Policy;
use super::reply::{Body, Reply};

/// A page like the one HubSpot's edge answers where its API layer does not.
pub(super) const NOT_FOUND_HTML: &str = "<!DOCTYPE html><html><head><title>Page not found</title></head>\
     <body><h1>404</h1><p>We can't find the page you're looking for.</p></body></html>";
const NOT_ALLOWED_HTML: &str = "<html><head><title>Error 405 Method Not Allowed</title></head>\
     <body><h2>HTTP ERROR 405 Method Not Allowed</h2></body></html>";

/// What is wrong with one property of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub property: String,
    pub code: &'static str,
    pub message: String,
}

/// A refusal of a whole request.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// 401 without a usable credential.
    Unauthenticated,
    /// 403; any one of the scopes would do.
    MissingScopes(&'static [&'static str]),
    /// 400 without a category.
    UnknownType(String),
    /// 400: the body is not JSON or not of the documented shape.
    InvalidJson(String),
    /// 400: a documented field is absent.
    RequiredField(&'static str),
    /// 400 in words of its own.
    Validation(String),
    /// 400: values that their properties do not take.
    Properties(Vec<Problem>),
    /// 400: required by an admin's rule (2026-09 on).
    MissingRequired(Vec<String>),
    /// 400: ids named twice in one batch.
    Duplicates(Vec<String>),
    /// 409 with the id only in the text.
    Conflict(u64),
    /// 409 of the property endpoints.
    PropertyExists(String),
    /// 404 as JSON.
    NotFound(String),
    /// 404 as a page: a well-formed record id that names nothing.
    NotFoundPage,
    /// 405 as a page.
    NotAllowed,
    /// 406 with nothing.
    NotAcceptable,
    /// 415 with nothing.
    UnsupportedMediaType,
    /// 429.
    RateLimited(Policy),
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::MissingScopes(_) => 403,
            Self::UnknownType(_)
            | Self::InvalidJson(_)
            | Self::RequiredField(_)
            | Self::Validation(_)
            | Self::Properties(_)
            | Self::MissingRequired(_)
            | Self::Duplicates(_) => 400,
            Self::Conflict(_) | Self::PropertyExists(_) => 409,
            Self::NotFound(_) | Self::NotFoundPage => 404,
            Self::NotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited(_) => 429,
        }
    }

    /// Renders the refusal; `correlation` is the id that support would ask for.
    pub fn into_reply(self, correlation: &str) -> Reply {
        let status = self.status();
        let body = match self {
            Self::NotFoundPage => return Reply::new(status, Body::Html(NOT_FOUND_HTML.to_owned())),
            Self::NotAllowed => return Reply::new(status, Body::Html(NOT_ALLOWED_HTML.to_owned())),
            Self::NotAcceptable | Self::UnsupportedMediaType => return Reply::new(status, Body::Empty),
            Self::UnknownType(kind) => {
                let message = format!("Unable to infer object type from: {kind}");
                json!({"status": "error", "message": message, "correlationId": correlation})
            }
            Self::RateLimited(policy) => policy.body(correlation),
            Self::Unauthenticated => {
                let message = "Authentication credentials not found.";
                envelope("INVALID_AUTHENTICATION", message, correlation, Map::new())
            }
            Self::MissingScopes(scopes) => missing_scopes(scopes, correlation),
            Self::InvalidJson(detail) => {
                let message = format!("Invalid input JSON on {detail}");
                envelope("VALIDATION_ERROR", &message, correlation, Map::new())
            }
            Self::RequiredField(field) => {
                let message = format!("Some required fields were not set: [{field}]");
                envelope("VALIDATION_ERROR", &message, correlation, Map::new())
            }
            Self::Validation(message) => envelope("VALIDATION_ERROR", &message, correlation, Map::new()),
            Self::Properties(problems) => {
                let extra = Map::from_iter([("errors".to_owned(), details(&problems))]);
                envelope(
                    "VALIDATION_ERROR",
                    &properties_message(&problems),
                    correlation,
                    extra,
                )
            }
            Self::MissingRequired(names) => {
                let detail = json!({"message": "A required property is missing.",
                    "code": "MISSING_REQUIRED_PROPERTY", "context": {"propertyName": names}});
                let extra = Map::from_iter([("errors".to_owned(), json!([detail]))]);
                envelope(
                    "VALIDATION_ERROR",
                    "Required properties are missing.",
                    correlation,
                    extra,
                )
            }
            Self::Duplicates(ids) => {
                let message = format!(
                    "Duplicate IDs found in batch input: [{}]. IDs must be unique",
                    ids.join(", ")
                );
                let extra = Map::from_iter([("context".to_owned(), json!({"ids": ids}))]);
                envelope("VALIDATION_ERROR", &message, correlation, extra)
            }
            Self::Conflict(id) => {
                let message = format!("Contact already exists. Existing ID: {id}");
                envelope("CONFLICT", &message, correlation, Map::new())
            }
            Self::PropertyExists(name) => {
                let message = format!("A property named '{name}' already exists.");
                let extra = Map::from_iter([
                    (
                        "subCategory".to_owned(),
                        json!("Properties.PROPERTY_WITH_NAME_EXISTS"),
                    ),
                    ("context".to_owned(), json!({"name": [name]})),
                ]);
                envelope("OBJECT_ALREADY_EXISTS", &message, correlation, extra)
            }
            Self::NotFound(message) => envelope("OBJECT_NOT_FOUND", &message, correlation, Map::new()),
        };
        Reply::new(status, Body::Json(body.to_string().into_bytes()))
    }
}

/// `Property values were not valid: [<JSON text>]`: in a 207 this text may be all that is said.
pub(super) fn properties_message(problems: &[Problem]) -> String {
    let list: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({"isValid": false, "message": problem.message, "error": problem.code,
                "name": problem.property, "localizedErrorMessage": problem.message})
        })
        .collect();
    format!("Property values were not valid: {}", Value::Array(list))
}

/// The `errors` list that belongs to [`properties_message`].
pub(super) fn details(problems: &[Problem]) -> Value {
    let detail = |problem: &Problem| {
        json!({"message": problem.message, "code": problem.code,
            "context": {"propertyName": [problem.property]}})
    };
    problems.iter().map(detail).collect()
}

fn missing_scopes(scopes: &[&str], correlation: &str) -> Value {
    let message = "This app hasn't been granted all required scopes to make this call.";
    let hint = "One or more of the following scopes are required.";
    let detail = json!({"message": hint, "context": {"requiredGranularScopes": scopes}});
    let extra = Map::from_iter([
        ("errors".to_owned(), json!([detail])),
        (
            "links".to_owned(),
            json!({"scopes": "https://developers.hubspot.com/scopes"}),
        ),
    ]);
    envelope("MISSING_SCOPES", message, correlation, extra)
}

fn envelope(category: &str, message: &str, correlation: &str, extra: Map<String, Value>) -> Value {
    let mut body = Map::from_iter([
        ("status".to_owned(), json!("error")),
        ("message".to_owned(), json!(message)),
        ("correlationId".to_owned(), json!(correlation)),
        ("category".to_owned(), json!(category)),
    ]);
    body.extend(extra);
    Value::Object(body)
}

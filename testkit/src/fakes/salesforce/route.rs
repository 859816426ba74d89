//! Which resource a request names.

use serde::{Deserialize, Serialize};

/// A resource with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The token endpoint.
    Token,
    /// The list of API versions, for everybody.
    Versions,
    /// Collections: create or update by an external id.
    Upsert,
    /// Collections: create.
    Create,
    /// Collections: update by id.
    Update,
    /// Collections: delete by id.
    Delete,
    /// Collections: read by id.
    Retrieve,
    /// Fields of an object.
    Describe,
    /// SOQL.
    Query,
    /// SOQL over the recycle bin as well.
    QueryAll,
    /// What is left of the limits.
    Limits,
    /// One record by id, any method.
    Record,
    /// Anything else.
    Unknown,
}

/// A route with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub route: Route,
    /// API version, such as `62.0`.
    pub version: Option<String>,
    /// Object, external id field, record id or query locator: what the route needs.
    pub object: String,
    pub name: String,
}

impl Target {
    pub(super) fn parse(method: &str, path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let found = |route, version: Option<&str>, object: &str, name: &str| Self {
            route,
            version: version.map(str::to_owned),
            object: object.to_owned(),
            name: name.to_owned(),
        };
        match (method, parts.as_slice()) {
            ("POST", ["services", "oauth2", "token"]) => found(Route::Token, None, "", ""),
            ("GET", ["services", "data"]) => found(Route::Versions, None, "", ""),
            (_, ["services", "data", version, rest @ ..]) => {
                let version = version.strip_prefix('v');
                let at = |route, object: &str, name: &str| found(route, version, object, name);
                match (method, rest) {
                    ("PATCH", ["composite", "sobjects", object, field]) => at(Route::Upsert, object, field),
                    ("POST", ["composite", "sobjects"]) => at(Route::Create, "", ""),
                    ("PATCH", ["composite", "sobjects"]) => at(Route::Update, "", ""),
                    ("DELETE", ["composite", "sobjects"]) => at(Route::Delete, "", ""),
                    ("GET" | "POST", ["composite", "sobjects", object]) => at(Route::Retrieve, object, ""),
                    ("GET", ["sobjects", object, "describe"]) => at(Route::Describe, object, ""),
                    (_, ["sobjects", object]) => at(Route::Record, object, ""),
                    (_, ["sobjects", object, id]) => at(Route::Record, object, id),
                    ("GET", ["query"]) => at(Route::Query, "", ""),
                    ("GET", ["queryAll"]) => at(Route::QueryAll, "", ""),
                    ("GET", ["query" | "queryAll", locator]) => at(Route::Query, "", locator),
                    ("GET", ["limits"]) => at(Route::Limits, "", ""),
                    _ => at(Route::Unknown, "", ""),
                }
            }
            _ => found(Route::Unknown, None, "", ""),
        }
    }
}

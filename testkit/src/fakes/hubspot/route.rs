//! Method and path to the operation they name, for both path families.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// An operation of HubSpot's API; faults and log entries name it in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each variant is the operation of that name in HubSpot's reference"
)]
pub enum Route {
    BatchUpsert,
    BatchRead,
    BatchUpdate,
    BatchCreate,
    BatchArchive,
    Create,
    List,
    Get,
    Update,
    Archive,
    GdprDelete,
    Merge,
    Search,
    PropertyList,
    PropertyCreate,
    PropertyGet,
    PropertyUpdate,
    PropertyArchive,
    GroupList,
    GroupCreate,
    GroupGet,
    AccountDetails,
    /// A path that exists, asked with another method.
    WrongMethod,
    /// Any other path.
    Unknown,
}

impl Route {
    /// Scopes of which any one opens the operation; empty for "any credential".
    pub(super) fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::BatchRead | Self::List | Self::Get | Self::Search => &["crm.objects.contacts.read"],
            Self::BatchUpsert
            | Self::BatchUpdate
            | Self::BatchCreate
            | Self::BatchArchive
            | Self::Create
            | Self::Update
            | Self::Archive
            | Self::GdprDelete
            | Self::Merge => &["crm.objects.contacts.write"],
            Self::PropertyList | Self::PropertyGet | Self::GroupList | Self::GroupGet => &[
                "crm.objects.contacts.read",
                "crm.schemas.contacts.read",
                "crm.schemas.contacts.write",
            ],
            Self::PropertyCreate | Self::PropertyUpdate | Self::PropertyArchive | Self::GroupCreate => {
                &["crm.schemas.contacts.write"]
            }
            Self::AccountDetails | Self::WrongMethod | Self::Unknown => &[],
        }
    }

    /// Whether the request must carry a JSON body.
    pub(super) fn has_body(self) -> bool {
        matches!(
            self,
            Self::BatchUpsert
                | Self::BatchRead
                | Self::BatchUpdate
                | Self::BatchCreate
                | Self::BatchArchive
                | Self::Create
                | Self::Update
                | Self::GdprDelete
                | Self::Merge
                | Self::Search
                | Self::PropertyCreate
                | Self::PropertyUpdate
                | Self::GroupCreate
        )
    }
}

/// A parsed request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub route: Route,
    /// As sent: `contacts`, `contact`, `0-1` or something this server does not know; none for the account.
    pub object_type: Option<String>,
    /// Decoded record id, property or group name.
    pub arg: String,
    /// `2026-03`, `2026-09`; none for v3.
    pub dated: Option<String>,
}

impl Target {
    pub fn parse(method: &str, path: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (dated, object_type, (route, arg)) = match parts.as_slice() {
            ["crm", "v3", "objects", kind, rest @ ..] => (None, Some(*kind), objects(method, rest)),
            ["crm", "objects", date, kind, rest @ ..] if is_date(date) => {
                (Some(*date), Some(*kind), objects(method, rest))
            }
            ["crm", "v3", "properties", kind, rest @ ..] => (None, Some(*kind), properties(method, rest)),
            ["crm", "properties", date, kind, rest @ ..] if is_date(date) => {
                (Some(*date), Some(*kind), properties(method, rest))
            }
            ["account-info", "v3", "details"] => {
                (None, None, (only(method, "GET", Route::AccountDetails), ""))
            }
            ["account-info", date, "details"] if is_date(date) => (
                Some(*date),
                None,
                (only(method, "GET", Route::AccountDetails), ""),
            ),
            _ => (None, None, (Route::Unknown, "")),
        };
        Self {
            route,
            object_type: object_type.map(str::to_owned),
            arg: percent_decode_str(arg).decode_utf8_lossy().into_owned(),
            dated: dated.map(str::to_owned),
        }
    }
}

fn is_date(segment: &str) -> bool {
    matches!(segment, "2026-03" | "2026-09")
}

fn only(method: &str, expected: &str, route: Route) -> Route {
    if method == expected {
        route
    } else {
        Route::WrongMethod
    }
}

fn objects<'a>(method: &str, rest: &[&'a str]) -> (Route, &'a str) {
    let post = |route| (only(method, "POST", route), "");
    match rest {
        [] => match method {
            "GET" => (Route::List, ""),
            _ => post(Route::Create),
        },
        ["batch", "upsert"] => post(Route::BatchUpsert),
        ["batch", "read"] => post(Route::BatchRead),
        ["batch", "update"] => post(Route::BatchUpdate),
        ["batch", "create"] => post(Route::BatchCreate),
        ["batch", "archive"] => post(Route::BatchArchive),
        ["gdpr-delete"] => post(Route::GdprDelete),
        ["merge"] => post(Route::Merge),
        ["search"] => post(Route::Search),
        [id] => match method {
            "GET" => (Route::Get, id),
            "PATCH" => (Route::Update, id),
            "DELETE" => (Route::Archive, id),
            _ => (Route::WrongMethod, ""),
        },
        _ => (Route::Unknown, ""),
    }
}

fn properties<'a>(method: &str, rest: &[&'a str]) -> (Route, &'a str) {
    match (method, rest) {
        ("GET", []) => (Route::PropertyList, ""),
        ("POST", []) => (Route::PropertyCreate, ""),
        ("GET", ["groups"]) => (Route::GroupList, ""),
        ("POST", ["groups"]) => (Route::GroupCreate, ""),
        ("GET", ["groups", name]) => (Route::GroupGet, name),
        ("GET", [name]) => (Route::PropertyGet, name),
        ("PATCH", [name]) => (Route::PropertyUpdate, name),
        ("DELETE", [name]) => (Route::PropertyArchive, name),
        (_, [] | [_]) => (Route::WrongMethod, ""),
        _ => (Route::Unknown, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, Target};

    #[test]
    fn both_path_families_name_the_same_operation() {
        for (path, dated) in [
            ("/crm/v3/objects/contacts/batch/upsert", None),
            ("/crm/objects/2026-03/contacts/batch/upsert", Some("2026-03")),
            ("/crm/objects/2026-09/0-1/batch/upsert", Some("2026-09")),
        ] {
            let target = Target::parse("POST", path);
            assert_eq!(
                (target.route, target.dated.as_deref()),
                (Route::BatchUpsert, dated),
                "{path}"
            );
        }
        assert_eq!(
            Target::parse("POST", "/crm/objects/2025-01/contacts").route,
            Route::Unknown
        );
    }

    #[test]
    fn an_email_in_the_path_is_decoded() {
        let target = Target::parse("PATCH", "/crm/v3/objects/contacts/a%2Bb%40c.org");
        assert_eq!((target.route, target.arg.as_str()), (Route::Update, "a+b@c.org"));
    }

    #[test]
    fn a_known_path_with_another_method_is_told_apart_from_an_unknown_path() {
        assert_eq!(
            Target::parse("PUT", "/crm/v3/objects/contacts/1").route,
            Route::WrongMethod
        );
        assert_eq!(
            Target::parse("GET", "/crm/v3/objects/contacts/batch/upsert").route,
            Route::WrongMethod
        );
        assert_eq!(
            Target::parse("GET", "/crm/v9/objects/contacts/1").route,
            Route::Unknown
        );
    }
}

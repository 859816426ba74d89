//! Whether a property takes a value, and the form in which it is stored.

use chrono::{DateTime, NaiveDate};

use super::clock::iso;
use super::errors::Problem;
use super::schema::{Definition, Kind, Schema};

const DAY_MS: i64 = 86_400_000;

/// The value as HubSpot stores it. `""` clears and is always taken where the property can be written.
pub(super) fn check(schema: &Schema, name: &str, value: &str) -> Result<String, Problem> {
    let problem = |code, message| Problem {
        property: name.to_owned(),
        code,
        message,
    };
    let Some(definition) = schema.live(name) else {
        return Err(problem(
            "PROPERTY_DOESNT_EXIST",
            format!("Property \"{name}\" does not exist"),
        ));
    };
    if definition.read_only {
        let message = format!("\"{name}\" is a read only property; its value cannot be set.");
        return Err(problem("READ_ONLY_VALUE", message));
    }
    if value.is_empty() {
        return Ok(String::new());
    }
    match name {
        "email" => {
            let address = value.trim().to_lowercase();
            let message = || format!("Email address {value} is invalid");
            if is_email(&address) {
                Ok(address)
            } else {
                Err(problem("INVALID_EMAIL", message()))
            }
        }
        "hs_additional_emails" => {
            let addresses = value.to_lowercase();
            match addresses.split(';').find(|address| !is_email(address)) {
                None => Ok(addresses),
                Some(bad) => Err(problem(
                    "INVALID_EMAIL",
                    format!("Email address {bad} is invalid"),
                )),
            }
        }
        _ => typed(definition, value).map_err(|(code, message)| problem(code, message)),
    }
}

fn typed(definition: &Definition, value: &str) -> Result<String, (&'static str, String)> {
    match definition.kind {
        Kind::String | Kind::PhoneNumber => Ok(value.to_owned()),
        Kind::Number => match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(value.trim().to_owned()),
            _ => Err(("INVALID_INTEGER", format!("{value} was not a valid number."))),
        },
        Kind::Bool => choice(value, ["true", "false"].into_iter()),
        Kind::Enumeration if definition.external_options => Ok(value.to_owned()),
        Kind::Enumeration => {
            let options = || definition.options.iter().map(|option| option.value.as_str());
            // A checkbox takes several values at once, separated by semicolons.
            if definition.field_type == "checkbox" {
                value
                    .split(';')
                    .filter(|part| !part.is_empty())
                    .try_for_each(|part| choice(part, options()).map(drop))?;
                Ok(value.to_owned())
            } else {
                choice(value, options())
            }
        }
        Kind::Date => {
            let at = milliseconds(value)
                .ok_or_else(|| ("INVALID_DATE", format!("{value} is not a valid date.")))?;
            if at % DAY_MS == 0 {
                Ok(iso(at).split('T').next().unwrap_or_default().to_owned())
            } else {
                Err((
                    "INVALID_DATE",
                    format!("{value} is at {}, not midnight!", iso(at)),
                ))
            }
        }
        Kind::Datetime => match milliseconds(value) {
            Some(at) => Ok(iso(at)),
            None => Err(("INVALID_DATE", format!("{value} is not a valid datetime."))),
        },
    }
}

/// Values are compared as they are: case counts, labels do not.
fn choice<'a>(
    value: &str,
    mut options: impl Iterator<Item = &'a str> + Clone,
) -> Result<String, (&'static str, String)> {
    if options.clone().any(|option| option == value) {
        return Ok(value.to_owned());
    }
    let mut allowed = options.next().unwrap_or_default().to_owned();
    options.for_each(|option| {
        allowed.push_str(", ");
        allowed.push_str(option);
    });
    Err((
        "INVALID_OPTION",
        format!("{value} was not one of the allowed options: [{allowed}]"),
    ))
}

/// Milliseconds since 1970, an ISO 8601 time, or a plain date (midnight UTC).
fn milliseconds(value: &str) -> Option<i64> {
    if let Ok(at) = value.parse::<i64>() {
        return Some(at);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(value) {
        return Some(at.timestamp_millis());
    }
    let date = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// A plain reading of an address: one `@`, a dotted host, no spaces, ASCII.
fn is_email(address: &str) -> bool {
    let Some((local, host)) = address.split_once('@') else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@,;:<>()[]\\\"".contains(&byte);
    let local_ok = (1..=64).contains(&local.len())
        && local.bytes().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    local_ok
        && address.len() <= 254
        && host.contains('.')
        && host.split('.').all(label_ok)
        && last.len() >= 2
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::fakes::hubspot::schema::{Definition, Kind, Schema};

    fn code(name: &str, value: &str) -> Result<String, &'static str> {
        let mut schema = Schema::default();
        for (name, kind) in [
            ("score", Kind::Number),
            ("hot", Kind::Bool),
            ("day", Kind::Date),
            ("at", Kind::Datetime),
        ] {
            schema.create(Definition::new(name, kind)).unwrap();
        }
        check(&schema, name, value).map_err(|problem| problem.code)
    }

    #[test]
    fn values_are_checked_by_the_type_of_their_property() {
        for (name, value, expected) in [
            ("nope", "x", Err("PROPERTY_DOESNT_EXIST")),
            ("lastmodifieddate", "2026-01-01", Err("READ_ONLY_VALUE")),
            ("email", "Ann.Lee+x@Example.ORG", Ok("ann.lee+x@example.org")),
            ("email", "ann@localhost", Err("INVALID_EMAIL")),
            ("email", "a b@example.org", Err("INVALID_EMAIL")),
            ("email", "not-an-address", Err("INVALID_EMAIL")),
            ("score", "81.5", Ok("81.5")),
            ("score", "high", Err("INVALID_INTEGER")),
            ("hot", "yes", Err("INVALID_OPTION")),
            ("hot", "true", Ok("true")),
            ("hs_lead_status", "New", Err("INVALID_OPTION")),
            ("hs_lead_status", "NEW", Ok("NEW")),
            ("hubspot_owner_id", "41629779", Ok("41629779")),
            ("day", "1764028800000", Ok("2025-11-25")),
            ("day", "1764028800001", Err("INVALID_DATE")),
            ("day", "2026-02-30", Err("INVALID_DATE")),
            ("at", "2026-11-22T10:00:00Z", Ok("2026-11-22T10:00:00.000Z")),
            ("at", "tomorrow", Err("INVALID_DATE")),
            ("score", "", Ok("")),
        ] {
            assert_eq!(code(name, value), expected.map(str::to_owned), "{name}={value}");
        }
    }
}

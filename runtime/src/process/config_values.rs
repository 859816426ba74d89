//! Values of a configuration before they have types: reading, finding and describing them.

use figment::Provider;
use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

const FILE_SUFFIX: &str = "_file";

/// Reads TOML, or says where it is wrong.
pub(super) fn parse_toml(text: &str) -> Result<Dict, String> {
    let data = Toml::string(text).data().map_err(|error| error.to_string())?;
    Ok(data.into_values().next().unwrap_or_default())
}

/// Reads an environment variable as the type that the key's default has.
pub(super) fn parse_like(default: Option<&Value>, text: &str) -> Result<Value, String> {
    let parsed = match default {
        None | Some(Value::String(..) | Value::Char(..) | Value::Dict(..) | Value::Empty(..)) => {
            return Ok(Value::from(text));
        }
        Some(Value::Bool(..)) => text.parse().ok().map(|flag: bool| Value::from(flag)),
        Some(Value::Num(..)) => (text.parse().ok().map(|number: i64| Value::from(number)))
            .or_else(|| text.parse().ok().map(|number: f64| Value::from(number))),
        Some(Value::Array(..)) => parse_toml(&format!("it = {text}"))
            .ok()
            .and_then(|mut table| table.remove("it"))
            .or_else(|| Some(Value::from(text.split(',').map(str::trim).collect::<Vec<_>>()))),
    };
    parsed.ok_or_else(|| format!("expected {}", default.map_or("a value", kind)))
}

/// What a value is, for people.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "a string",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Empty(..) => "nothing",
        Value::Dict(..) => "a section",
        Value::Array(..) => "a list",
    }
}

/// Says what a field expects without repeating what it got, which may be a secret.
pub(super) fn text_of(kind: &Kind) -> String {
    match kind {
        Kind::Message(text) => text.clone(),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("expected {expected}"),
        Kind::UnknownVariant(found, known) => {
            format!("unknown value `{found}`, expected one of {}", known.join(", "))
        }
        Kind::UnknownField(field, _) => format!("unknown key `{field}`"),
        Kind::MissingField(field) => format!("has no `{field}`"),
        Kind::InvalidLength(..)
        | Kind::DuplicateField(..)
        | Kind::ISizeOutOfRange(..)
        | Kind::USizeOutOfRange(..)
        | Kind::Unsupported(..)
        | Kind::UnsupportedKey(..) => "does not fit".to_owned(),
    }
}

/// The value at a path.
pub(super) fn find<'a>(table: &'a Dict, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(first)?;
    match (value, rest) {
        (value, []) => Some(value),
        (Value::Dict(_, inner), rest) => find(inner, rest),
        _ => None,
    }
}

/// Sets or removes the value at a path whose sections exist.
pub(super) fn replace(table: &mut Dict, path: &[String], value: Option<Value>) {
    match (path, value) {
        ([key], Some(value)) => {
            table.insert(key.clone(), value);
        }
        ([key], None) => {
            table.remove(key);
        }
        ([key, rest @ ..], value) => {
            if let Some(Value::Dict(_, inner)) = table.get_mut(key) {
                replace(inner, rest, value);
            }
        }
        ([], _) => {}
    }
}

/// Paths of the keys that have a `_file` twin.
pub(super) fn twins(table: &Dict, path: &mut Vec<String>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (key, value) in table {
        path.push(key.clone());
        if let Value::Dict(_, inner) = value {
            found.extend(twins(inner, path));
        } else if table.contains_key(&format!("{key}{FILE_SUFFIX}")) {
            found.push(path.clone());
        }
        path.pop();
    }
    found
}

/// Path of the key that names the file of another.
pub(super) fn twin_of(path: &[String]) -> Vec<String> {
    let mut path = path.to_vec();
    if let Some(last) = path.last_mut() {
        last.push_str(FILE_SUFFIX);
    }
    path
}
